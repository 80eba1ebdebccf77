package keeper_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
)

// The decision, line by line: a token of an hour, 10 days before its session's
// end unless it says otherwise.
func TestWhenATokenIsDue(t *testing.T) {
	start := evening.Truncate(time.Second)
	releases := []string{"5", "6", "7"}
	for _, c := range []struct {
		name     string
		age      time.Duration
		asked    bool
		version  string
		ends     time.Duration // of the session, after the token's exp
		want     string
		arriving bool // an answer with it may still be under way
	}{
		{"young", 29*time.Minute + 59*time.Second, false, "7", 240 * time.Hour, "", false},
		{"half its life is over", 30 * time.Minute, false, "7", 240 * time.Hour, "half", false},
		{"the last second", 59*time.Minute + 59*time.Second, false, "7", 240 * time.Hour, "half", false},
		{"expired this second", time.Hour, true, "5", 240 * time.Hour, "", false},
		{"expired within the leeway of others", 61 * time.Minute, true, "5", 240 * time.Hour, "", false},
		{"asked for", 0, true, "7", 240 * time.Hour, "rotate", false},
		{"an older release", 0, false, "6", 240 * time.Hour, "version", false},
		{"a retired release", 0, false, "3", 240 * time.Hour, "version", false},
		{"before there were versions", 0, false, "", 240 * time.Hour, "version", false},
		{"a newer release", 0, false, "8", 240 * time.Hour, "", false},
		{"no longer life to be had", 40 * time.Minute, false, "7", 0, "", false},
		{"no longer life, but asked for", 40 * time.Minute, true, "7", 0, "rotate", false},
		{"past the session's end", 40 * time.Minute, true, "5", -30 * time.Minute, "", false},
		{"asked for, still arriving", time.Minute, true, "7", 240 * time.Hour, "", true},
		{"an older release, still arriving", time.Minute, false, "6", 240 * time.Hour, "", true},
		{"half its life is over, still arriving", 30 * time.Minute, true, "6", 240 * time.Hour, "half", true},
	} {
		s := &jwt.Session{Registered: jwt.Registered{IssuedAt: jwt.TimeOf(start), Expires: jwt.TimeOf(start.Add(time.Hour))}, Version: c.version}
		s.Absolute = jwt.TimeOf(start.Add(time.Hour + c.ends))
		if got := keeper.Due(s, c.asked, !c.arriving, start.Add(c.age), releases, []string{"3"}); got != c.want {
			t.Errorf("%s: due %q, want %q", c.name, got, c.want)
		}
	}
	if got := keeper.Due(&jwt.Session{Registered: jwt.Registered{IssuedAt: 1, Expires: 9}, Absolute: 10, Version: "x"}, false, true, time.Unix(2, 0), nil, nil); got != "" {
		t.Errorf("without versions a token is due: %q", got)
	}
}

// JK18, JK19, A039: a renewal is a new token of the same session.
func TestJK18RenewalKeepsTheSession(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		old := h.login()
		h.pass(30*time.Minute + 500*time.Millisecond)
		next := h.visits(old.Text())
		found := h.finds(next.Text())
		if !reflect.DeepEqual(found.Claims(), old.Claims()) || !found.Ends().Equal(old.Ends()) || found.SessionID() != old.SessionID() {
			t.Errorf("the session became\n\t%+v until %v\nit was\n\t%+v until %v", found.Claims(), found.Ends(), old.Claims(), old.Ends())
		}
		if want := evening.Truncate(time.Second).Add(90*time.Minute + time.Second); next.ID() == old.ID() || !next.Expires().Equal(want) {
			t.Errorf("the token became %v until %v, want another until %v", next, next.Expires(), want)
		}
	})
}

// B4: a renewal never widens what the login gave: lifetime, audience, the end.
func TestB4RenewalKeepsLifetimeAndAudience(t *testing.T) {
	h := newHouse(t, func(c *keeper.Config) { c.MaxAge = time.Hour })
	token := h.creates(keeper.Claims{Subject: "ada", Lifetime: time.Minute, Audience: []string{books}})
	end := token.Ends()
	for token.Expires().Before(end) {
		h.pass(40 * time.Second)
		token = h.visits(token.Text())
		c := token.Claims()
		if token.Expires().After(end) || c.Lifetime > time.Minute || c.Audience[0] != books || len(c.Audience) != 1 || !token.Ends().Equal(end) {
			t.Fatalf("it became %+v until %v", c, token.Expires())
		}
	}
	h.pass(time.Second)
	if due := h.finds(token.Text()).Due(); due != "" {
		t.Errorf("a token that cannot live longer is due: %s", due)
	}
	h.pass(time.Minute)
	h.refuses(token.Text(), jwt.Expired)
	if _, err := h.Rotate(t.Context(), token, nil); jwt.ReasonOf(err) != jwt.Absolute {
		t.Errorf("renewed after the session's end: %v", err)
	}
}

// A033: what has expired is not renewed, by no leeway.
func TestA033NothingExpiredIsRenewed(t *testing.T) {
	h := newHouse(t)
	token := h.login()
	h.pass(59 * time.Minute)
	due := h.finds(token.Text())
	h.pass(time.Minute)
	for name, renew := range map[string]func() (*keeper.Token, error){
		"Renew":  func() (*keeper.Token, error) { return h.Renew(t.Context(), due) },
		"Rotate": func() (*keeper.Token, error) { return h.Rotate(t.Context(), due, nil) },
	} {
		if next, err := renew(); next != nil || jwt.ReasonOf(err) != jwt.Expired {
			t.Errorf("%s gave %v, %v", name, next, err)
		}
	}
}

// Fresh rights come from the hook; who it is, and since when, does not.
func TestRegenerateBringsFreshRights(t *testing.T) {
	asked := 0
	h := newHouse(t, func(c *keeper.Config) {
		c.Regenerate = func(_ context.Context, old keeper.Claims) (keeper.Claims, error) {
			asked++
			fresh := old
			fresh.Scope, fresh.Private = "read write", map[string]any{"plan": "free", "n": nil}
			fresh.Tenant, fresh.Methods, fresh.Context, fresh.Audience = "evil", []string{"otp"}, "9", []string{books}
			fresh.AuthTime, fresh.Lifetime = old.AuthTime.Add(time.Hour), 24*time.Hour
			return fresh, nil
		}
	})
	old := h.login()
	h.must(h.RotateSubject(t.Context(), "ada"))
	next := h.visits(old.Text())
	want := old.Claims()
	want.Scope, want.Private = "read write", map[string]any{"plan": "free"}
	if got := next.Claims(); !reflect.DeepEqual(got, want) {
		t.Errorf("the claims became\n\t%+v\nwant\n\t%+v", got, want)
	}
	h.visits(old.Text())
	h.visits(next.Text())
	if asked != 1 {
		t.Errorf("the hook was asked %d times for one renewal", asked)
	}
}

// When the hook fails or the store is away, requests go on with the old token
// and the program is told.
func TestTroubleKeepsTheToken(t *testing.T) {
	var broken error
	subject := "ada"
	h := newHouse(t, func(c *keeper.Config) {
		c.Regenerate = func(_ context.Context, old keeper.Claims) (keeper.Claims, error) {
			old.Subject = subject
			return old, broken
		}
	})
	token := h.login()
	h.pass(30 * time.Minute)
	kept := func(what string, cause error) {
		t.Helper()
		found := h.finds(token.Text())
		got, err := h.Renew(t.Context(), found)
		if got != found || !errors.Is(err, keeper.ErrKept) || !errors.Is(err, cause) {
			t.Errorf("%s: %v, %v", what, got, err)
		}
	}
	broken = errors.New("the directory is away")
	kept("a hook that fails", broken)
	broken, subject = nil, "eve"
	kept("a hook that answers for another account", keeper.ErrClaims)
	subject = "ada"
	h.wire.set(errCut, nil)
	kept("a store that is away", errCut)
	h.wire.set(nil, errCut)
	kept("a store whose answer is lost", errCut)
	h.wire.set(nil, nil)
	h.clock.add(3 * time.Second)
	kept("a log that fell silent", keeper.ErrStale)
	h.pass(0)
	if next := h.visits(token.Text()); next.ID() == token.ID() {
		t.Error("it is not renewed when all is well again")
	}
	if got := h.Stats(); got.Kept != 5 || got.Created != 1 || got.Repeated != 1 || got.Renewed != 0 {
		t.Errorf("counted %+v", got)
	}
	if _, err := h.Rotate(t.Context(), token, &keeper.Claims{Subject: "eve"}); err != nil {
		t.Errorf("a token that has its successor: %v", err)
	}
}

// B10: the answer with the new token is lost, again and again. The client goes on
// with the old one, until it expires, and is given the same successor each time.
func TestB10LostAnswersAreNoLogout(t *testing.T) {
	for _, alg := range []jwt.Algorithm{jwt.ES256, jwt.ES384, jwt.EdDSA, jwt.RS256} {
		h := newHouse(t, func(c *keeper.Config) {
			k := newKeys(t, alg)
			c.Signer, c.Keys = k.signer(), k
		})
		token := h.login()
		h.pass(30 * time.Minute)
		first := h.visits(token.Text())
		for range 29 {
			h.pass(time.Minute)
			h.must(h.RevokeSession(t.Context(), "somebody else's"))
			if again := h.visits(token.Text()); again.Text() != first.Text() {
				t.Fatalf("%s: given\n\t%s\nthen\n\t%s", alg, first.Text(), again.Text())
			}
		}
		h.visits(first.Text())
		if s := h.Stats(); s.Renewed != 1 || s.Repeated != 29 || s.Late != 29 {
			t.Errorf("counted %+v", s)
		}
	}
}

// The keys turn between a renewal and its repetition: the same text still. When
// the key is stolen, and gone, one other text of the same token takes its place,
// the same on every node.
func TestKeysTurnBetweenAnswerAndRepetition(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		first := h.login() // under a key that is dropped later
		h.ring.turn(t, jwt.ES256)
		token := h.visits(h.rotated(first).Text())
		h.pass(30 * time.Minute)
		h.ring.mu.Lock()
		h.ring.all = append(h.ring.all[1:], h.ring.all[0]) // the second key signs no more, the first again
		h.ring.mu.Unlock()
		renewed := h.visits(token.Text())
		h.ring.turn(t, jwt.EdDSA)
		if again := h.visits(token.Text()); again.Text() != renewed.Text() {
			t.Error("after the keys turned another text was given")
		}
		h.ring.mu.Lock()
		stolen := h.ring.all[1]
		stolen.Public().Withdraw()
		h.ring.gone[stolen.ID()] = true
		h.ring.mu.Unlock()
		h.refuses(renewed.Text(), jwt.BadKey)
		other := h.visits(token.Text())
		h.ring.turn(t, jwt.ES256)
		again, err := h.node().Rotate(t.Context(), token, nil)
		h.must(err)
		if other.ID() != renewed.ID() || other.Text() == renewed.Text() || again.Text() != other.Text() {
			t.Errorf("it became %v, then %v; it was %v", other, again, renewed)
		}
		h.visits(other.Text())
	})
}

// rotated renews a token at once.
func (h *house) rotated(t *keeper.Token) *keeper.Token {
	h.Helper()
	next, err := h.Rotate(h.Context(), t, nil)
	h.must(err)
	return next
}

// Renew ends a request only with a verdict.
func TestRenewRefusesWhatWasRevokedMeanwhile(t *testing.T) {
	h := newHouse(t)
	token := h.login()
	h.pass(30 * time.Minute)
	found := h.finds(token.Text())
	other := h.node()
	h.must(other.Revoke(t.Context(), found))
	if next, err := h.Renew(t.Context(), found); next != nil || jwt.ReasonOf(err) != jwt.Revoked || errors.Is(err, keeper.ErrKept) {
		t.Errorf("it gave %v, %v", next, err)
	}
	h.refuses(token.Text(), jwt.Revoked) // the refusal has taught the node
}

// RevokeID reaches what the token has become, and a renewal in between as well.
func TestRevokeIDReachesSuccessors(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		first := h.login()
		second := h.rotated(first)
		third := h.rotated(second)
		h.must(h.RevokeID(t.Context(), first.ID()))
		for _, token := range []*keeper.Token{first, second, third} {
			h.refuses(token.Text(), jwt.Revoked)
		}
		a := h.login()
		b := h.rotated(a)
		h.must(h.RevokeID(t.Context(), b.ID()))
		if next, err := h.Rotate(t.Context(), a, nil); next != nil || jwt.ReasonOf(err) != jwt.Revoked {
			t.Errorf("the predecessor of a revoked token was given %v, %v", next, err)
		}
	})
}

// JK23: what a renewal leaves in the store holds no token, and is swept when
// neither token lives.
func TestJK23NothingElseIsStored(t *testing.T) {
	h := newHouse(t)
	token := h.login()
	next := h.visits(h.rotated(token).Text())
	r, err := h.wire.store.Rotated(t.Context(), token.ID())
	h.must(err)
	for _, text := range []string{token.Text(), next.Text()} {
		signature := text[strings.LastIndex(text, ".")+1:]
		if strings.Contains(fmt.Sprintf("%+v %s", r, r.Claims), signature) {
			t.Error("the record holds a token")
		}
	}
	if n, err := h.Sweep(t.Context()); n != 0 || err != nil {
		t.Errorf("swept %d, %v while the tokens live", n, err)
	}
	h.pass(2 * time.Hour)
	if n, err := h.Sweep(t.Context()); n != 2 || err != nil { // the renewal and its first sight
		t.Errorf("swept %d, %v", n, err)
	}
	h.wire.set(errCut, nil)
	if _, err := h.Sweep(t.Context()); jwt.ReasonOf(err) != jwt.Unavailable {
		t.Errorf("with the store away: %v", err)
	}
}

// What is not signable is not recorded: a token would be without a successor for
// ever.
func TestWhatCannotBeSignedIsNotRecorded(t *testing.T) {
	h := newHouse(t)
	token := h.login()
	large := &keeper.Claims{Subject: "ada", Private: map[string]any{"avatar": strings.Repeat("x", 4000)}}
	if _, err := h.Rotate(t.Context(), token, large); !errors.Is(err, jwt.ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	if _, err := h.Rotate(t.Context(), token, &keeper.Claims{Subject: "ada", Private: map[string]any{"exp": 1}}); !errors.Is(err, keeper.ErrClaims) {
		t.Errorf("a reserved name: %v", err)
	}
	h.rotated(token)
}

// A hook may take its time: nothing is held meanwhile.
func TestRegenerateMayBeSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, func(c *keeper.Config) {
			c.Regenerate = func(_ context.Context, old keeper.Claims) (keeper.Claims, error) {
				time.Sleep(10 * time.Second)
				return old, nil
			}
		})
		token := h.login()
		h.pass(30 * time.Minute)
		if next := h.visits(token.Text()); next.ID() == token.ID() {
			t.Error("it was not renewed")
		}
	})
}

// Run follows the log: what another node revokes is refused here, without a
// call. It sweeps each hour, and ends with its context.
func TestRunFollowsTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, func(c *keeper.Config) { c.Now = time.Now })
		k, err := keeper.New(h.cfg)
		h.must(err)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- k.Run(ctx) }()
		synctest.Wait()
		token, err := k.Create(ctx, keeper.Claims{Subject: "ada"})
		h.must(err)
		h.must(h.Revoke(ctx, token))
		synctest.Wait()
		if _, err := k.Find(ctx, token.Text()); jwt.ReasonOf(err) != jwt.Revoked {
			t.Errorf("finding: %v", err)
		}
		if calls := h.wire.counted(func() { time.Sleep(2*time.Hour + time.Minute) }); strings.Count(calls, "sweep") != 2 || strings.Count(calls, "compact") != 2 {
			t.Errorf("in two hours it did: %s", strings.ReplaceAll(calls, "read ", ""))
		}
		h.wantRules()
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("it ended with %v", err)
		}
	})
}

// A log that was put back to an older state, and opened a new epoch, is read from
// its start.
func TestNewEpoch(t *testing.T) {
	h := newHouse(t)
	old := h.login()
	h.must(h.RevokeSession(t.Context(), "s"))
	head, _, err := h.wire.NewEpoch(t.Context(), 2)
	h.must(err)
	h.pass(0)
	if got := h.Index().Cursor(); got != head {
		t.Errorf("the cursor is %v, the head %v", got, head)
	}
	h.must(h.RevokeSubject(t.Context(), "ada"))
	h.refuses(old.Text(), jwt.Revoked)
	h.finds(h.login().Text())
}

// B7: sessions of one browser are apart: a second login, another tab's account,
// answers in another order put none of them out of step.
func TestB7SessionsOfOneBrowserAreApart(t *testing.T) {
	h := newHouse(t)
	first, second := h.login(), h.creates(keeper.Claims{Subject: "bob"})
	h.pass(30 * time.Minute)
	later, earlier := h.visits(second.Text()), h.visits(first.Text())
	for raw, want := range map[string]string{first.Text(): "ada", earlier.Text(): "ada", second.Text(): "bob", later.Text(): "bob"} {
		if got := h.visits(raw).Claims().Subject; got != want {
			t.Errorf("a token of %s became one of %s", want, got)
		}
	}
	h.must(h.Revoke(t.Context(), later))
	h.visits(earlier.Text())
}

// B12: a rule does not stay for years: it is swept when no token can match it.
func TestB12RulesAreForgotten(t *testing.T) {
	h := newHouse(t)
	token := h.login()
	h.must(h.Revoke(t.Context(), token))
	h.must(h.RevokeID(t.Context(), token.ID()))
	h.must(h.RevokeSubject(t.Context(), "ada"))
	h.visits(h.rotated(h.login()).Text())
	h.pass(time.Hour)
	if n, err := h.Sweep(t.Context()); n != 0 || err != nil {
		t.Errorf("swept %d, %v while tokens may live", n, err)
	}
	h.pass(2 * time.Minute)
	if n, err := h.Sweep(t.Context()); n != 5 || err != nil { // with the renewal
		t.Errorf("swept %d, %v; the log has %q", n, err, h.rules())
	}
	h.wantRules()
}
