package jotkeeper_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/secret"
	rooms "github.com/jotkeeper/jotkeeper/session"
)

// open gives an estate sessions that refresh, and has them hear of sightings.
func (e *estate) open() *rooms.Sessions {
	e.t.Helper()
	s, err := rooms.New(rooms.Config{
		Issuer: issuer, Store: e.backend.Set().Sessions, Master: secret.NewRing(secret.Generate()), Checker: revocation.NewIndex(issuer),
		Signer: jwt.NewSigner(func(time.Time) (*jwt.PrivateKey, error) { return e.key, nil }, jwt.KindAccess),
	})
	if err != nil {
		e.t.Fatal(err)
	}
	e.sessions = func(ctx context.Context, audiences []string, seen []feed.Sighting) error {
		list := make([]rooms.Sighting, len(seen))
		for i, one := range seen {
			list[i] = rooms.Sighting{SessionID: one.SessionID, Generation: one.Generation, Kept: one.Age}
		}
		_, err := s.Sight(ctx, time.Now(), audiences, list...)
		return err
	}
	return s
}

func (e *estate) logIn(s *rooms.Sessions) rooms.Issued {
	e.t.Helper()
	issued, err := s.Start(e.t.Context(), time.Now(), rooms.Login{Account: "42", Audience: audience}, 0)
	if err != nil {
		e.t.Fatal(err)
	}
	return issued
}

func (e *estate) refresh(s *rooms.Sessions, token string) (rooms.Issued, string) {
	e.t.Helper()
	issued, err := s.Refresh(e.t.Context(), time.Now(), token, rooms.Request{})
	if refused, ok := errors.AsType[*rooms.Error](err); ok {
		return rooms.Issued{}, refused.Outcome
	}
	return issued, issued.Outcome
}

// A110: somebody has copied a refresh token. Its owner's client has refreshed
// since, and uses a service that follows the feed. Where that service may report,
// the copy ends the session when it is first used, for thief and service alike;
// where not, it looks like a second tab.
func TestA110AServiceFindsTheThief(t *testing.T) {
	for credential, want := range map[string]string{"sight-too": "reused", "follow-me": "replay"} {
		following(t, func(t *testing.T, e *estate) {
			e.cable.plug(e.issuer)
			s := e.open()
			stolen := e.logIn(s)
			pass(7 * time.Minute)
			owner, outcome := e.refresh(s, stolen.Refresh)
			if outcome != "rotate" {
				t.Fatalf("the owner: %s", outcome)
			}
			pass(time.Minute)
			e.expect("the owner, at once", owner.Access, 200, "")
			pass(40 * time.Second)
			e.expect("the owner, settled", owner.Access, 200, "")
			pass(30 * time.Second)
			_, outcome = e.refresh(s, stolen.Refresh)
			if outcome != want {
				t.Errorf("%s: the thief is answered %s, want %s", credential, outcome, want)
			}
			pass(time.Second)
			if want == "reused" {
				e.expect("what the session had", owner.Access, 401, "revoked")
			} else {
				e.expect("what the session has", owner.Access, 200, "")
			}
		}, func(c *jotkeeper.Config) { c.Feed.Token = credential })
	}
}

// An account is given a right: its tokens go on working and are marked; the next
// refresh gives one that the rule does not reach any more.
func TestTheNextRefreshIsFresh(t *testing.T) {
	sighting(t, func(t *testing.T, e *estate) {
		s := e.open()
		old := e.logIn(s)
		if _, err := e.log.Append(t.Context(), time.Now(), revocation.SubjectChanged("42", "rights", time.Now().Add(time.Hour))); err != nil {
			t.Fatal(err)
		}
		pass(2 * time.Minute)
		mark := func(token string) string {
			w := e.ask(get("Authorization", "Bearer "+token))
			want(t, "accepted", w, 200, "")
			return w.Header().Get("Jotkeeper-Renew")
		}
		if mark(old.Access) != "1" {
			t.Error("the answer to a token from before is not marked")
		}
		e.expect("from before, on a fresh route", old.Access, 401, "stale", jotkeeper.Fresh())
		next, outcome := e.refresh(s, old.Refresh)
		if outcome != "rotate" || mark(next.Access) != "" {
			t.Errorf("%s, marked %q", outcome, mark(next.Access))
		}
		e.expect("from now, on a fresh route", next.Access, 200, "", jotkeeper.Fresh())
	})
}
