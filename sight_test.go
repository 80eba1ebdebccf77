package jotkeeper_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
)

const sightings = "/revocation/v1/sightings"

func (e *estate) sight(ctx context.Context, audiences []string, seen []feed.Sighting) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !slices.Equal(audiences, []string{audience}) {
		e.t.Errorf("sightings for %q", audiences)
	}
	if e.trouble != nil {
		return e.trouble
	}
	e.seen, e.batches = append(e.seen, seen...), append(e.batches, len(seen))
	if e.sessions != nil {
		return e.sessions(ctx, audiences, seen)
	}
	return nil
}

// told returns what the issuer was told since it was last asked.
func (e *estate) told() []feed.Sighting {
	e.mu.Lock()
	defer e.mu.Unlock()
	told := e.seen
	e.seen = nil
	return told
}

func (e *estate) posts() int {
	e.cable.mu.Lock()
	defer e.cable.mu.Unlock()
	return e.cable.asked[sightings]
}

// sighting runs a test of a verifier that follows and may report, ten seconds
// after it has begun.
func sighting(t *testing.T, test func(t *testing.T, e *estate), change ...func(*jotkeeper.Config)) {
	t.Helper()
	following(t, func(t *testing.T, e *estate) {
		e.cable.plug(e.issuer)
		pass(10 * time.Second)
		test(t, e)
	}, append([]func(*jotkeeper.Config){func(c *jotkeeper.Config) { c.Feed.Token = "sight-too" }}, change...)...)
}

func gen(g string) func(*jwt.Access) { return func(c *jwt.Access) { c.Generation = g } }

// What the issuer hears: each generation of a session once, as soon as its token
// is old enough; and nothing of what was refused.
func TestAGenerationInUseIsReportedOnce(t *testing.T) {
	sighting(t, func(t *testing.T, e *estate) {
		young := e.token(gen("7.tag"), issuedAgo(94*time.Second))
		e.expect("young", young, 200, "")
		pass(500 * time.Millisecond)
		e.expect("still young", young, 200, "")
		pass(10 * time.Second)
		if told := e.told(); len(told) != 0 {
			t.Errorf("before its time: %v", told)
		}
		for range 3 {
			e.expect("settled", young, 200, "")
			e.expect("another token of the generation", e.token(gen("7.tag"), issuedAgo(200*time.Second)), 200, "")
		}
		pass(5 * time.Second)
		// iat has whole seconds, so 104.5 s are up to 105.5.
		if told := e.told(); len(told) != 1 || told[0] != (feed.Sighting{SessionID: "sid-of-ada", Generation: "7.tag", Age: told[0].Age}) ||
			told[0].Age < 104*time.Second || told[0].Age > 105*time.Second {
			t.Errorf("got %v", told)
		}
		for range 3 {
			e.expect("later", young, 200, "")
			pass(10 * time.Second)
		}
		e.expect("another generation", e.token(gen("8.tag"), issuedAgo(2*time.Minute)), 200, "")
		e.expect("another session", e.token(gen("7.tag"), session("bobs"), issuedAgo(2*time.Minute)), 200, "")
		pass(5 * time.Second)
		if told := e.told(); len(told) != 2 || told[0].Generation != "8.tag" || told[1].SessionID != "bobs" {
			t.Errorf("got %v", told)
		}
		if s := e.auth.Stats(); s.Client.Sightings != 3 || e.posts() != 2 {
			t.Errorf("%d taken, %d requests", s.Client.Sightings, e.posts())
		}
	})
}

// A token that was refused was not in use.
func TestWhatIsRefusedIsNotReported(t *testing.T) {
	sighting(t, func(t *testing.T, e *estate) {
		old := issuedAgo(2 * time.Minute)
		e.end("phone")
		if _, err := e.log.Append(e.t.Context(), time.Now(), revocation.SubjectChanged("43", "rights", time.Now().Add(time.Hour))); err != nil {
			t.Fatal(err)
		}
		pass(2 * time.Second)
		tok := e.token(gen("1.forged"), old)
		e.expect("forged", tok[:len(tok)-4]+"AAAA", 401, "signature")
		e.expect("revoked", e.token(gen("1.revoked"), session("phone"), old), 401, "revoked")
		e.expect("another audience", e.token(gen("1.aud"), old, func(c *jwt.Access) { c.Audience = jwt.Audience{"other"} }), 401, "audience")
		e.expect("no scope", e.token(gen("1.scope"), old), 403, "scope", jotkeeper.Scope("pay"))
		e.expect("not fresh", e.token(gen("1.fresh"), subject("43"), old), 401, "stale", jotkeeper.Fresh())
		e.expect("no generation", e.token(old), 200, "")
		e.expect("no session", e.token(gen("1.nobody"), session(""), old), 200, "")
		pass(time.Minute)
		if told := e.told(); len(told) != 0 || e.posts() != 0 {
			t.Errorf("%d requests, %v", e.posts(), told)
		}
	})
}

// The issuer may be slow, in trouble or away: no request notices, what was seen
// meanwhile is dropped, and noted anew when it is seen again.
func TestSightingsAreDroppedOnTrouble(t *testing.T) {
	sighting(t, func(t *testing.T, e *estate) {
		tok := e.token(gen("7.tag"), issuedAgo(2*time.Minute))
		e.trouble = errors.New("the store is away")
		e.expect("trouble", tok, 200, "")
		pass(time.Minute)
		if e.posts() != 1 {
			t.Errorf("%d requests, want the one that failed", e.posts())
		}
		e.mu.Lock()
		e.trouble = nil
		e.mu.Unlock()
		e.expect("again", tok, 200, "")
		pass(5 * time.Second)
		if told := e.told(); len(told) != 1 || told[0].Age < 3*time.Minute {
			t.Errorf("got %v, want it with the age of the second time", told)
		}
		e.cable.pull()
		e.expect("cut off", e.token(gen("8.tag"), issuedAgo(2*time.Minute)), 200, "")
		pass(10 * time.Second)
		e.cable.plug(e.issuer)
		pass(10 * time.Second)
		if told := e.told(); len(told) != 0 {
			t.Errorf("kept for later: %v", told)
		}
	})
}

func TestAQueueOfSightingsIsBounded(t *testing.T) {
	sighting(t, func(t *testing.T, e *estate) {
		var tokens []string
		for i := range 1100 {
			tokens = append(tokens, e.token(gen(fmt.Sprint(i, ".tag")), issuedAgo(2*time.Minute)))
		}
		round := func() {
			for _, tok := range tokens {
				if _, err := e.auth.Authenticate(get("Authorization", "Bearer "+tok)); err != nil {
					t.Fatal(err)
				}
			}
		}
		round()
		round()
		pass(5 * time.Second)
		if told := e.told(); len(told) != 1024 || !slices.Equal(e.batches, []int{256, 256, 256, 256}) {
			t.Errorf("%d told, in %v", len(told), e.batches)
		}
		round()
		pass(5 * time.Second)
		if told := e.told(); len(told) != 76 {
			t.Errorf("%d told, want the 76 that found no place", len(told))
		}
	})
}

// A credential that may follow only: the issuer is asked now and then, since it
// may have been given the right, and not with each request.
func TestACredentialThatMayNotReportRests(t *testing.T) {
	following(t, func(t *testing.T, e *estate) {
		e.cable.plug(e.issuer)
		pass(10 * time.Second)
		for i := range 120 { // half an hour
			e.expect("followed", e.token(gen(fmt.Sprint(i, ".tag")), issuedAgo(2*time.Minute)), 200, "")
			pass(15 * time.Second)
		}
		if e.posts() != 3 || len(e.told()) != 0 {
			t.Errorf("%d requests, want 3 in half an hour", e.posts())
		}
	})
}

// Looking whether a generation was reported costs a request no allocation.
func TestSightingsAllocateNothingPerRequest(t *testing.T) {
	sighting(t, func(t *testing.T, e *estate) {
		alone := newHouse(t, func(c *jotkeeper.Config) { c.Revocations = revocation.NewIndex(issuer) })
		claims := []func(*jwt.Access){gen("7.pkGZ0rVhW1E"), session(jwt.NewID()), issuedAgo(2 * time.Minute)}
		count := func(h *house) float64 {
			guarded := h.auth.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			r, w := get("Authorization", "Bearer "+h.token(claims...)), httptest.NewRecorder()
			return testing.AllocsPerRun(200, func() {
				clear(w.Header())
				guarded.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					t.Fatalf("%d %s", w.Code, w.Body)
				}
			})
		}
		e.expect("first", e.token(claims...), 200, "")
		pass(5 * time.Second)
		if told := e.told(); len(told) != 1 {
			t.Fatalf("told %v", told)
		}
		if with, without := count(e.house), count(alone); with != without {
			t.Errorf("%v allocations with sightings, %v without", with, without)
		}
	})
}
