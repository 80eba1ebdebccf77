package jwks_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jotkeeper/jotkeeper/jwks"
	"github.com/jotkeeper/jotkeeper/jwt"
)

func TestRemoteFetchesOnceAndKeeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newKey(t, jwt.ES256)
		s := &site{answer: publish(t, key)}
		r := remote(t, s)
		v, raw := verifier(t, r), sign(t, key, time.Now())
		first, err := r.Snapshot(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		for range 1000 {
			if got := reason(t, v, raw); got != "" {
				t.Fatalf("refused: %s", got)
			}
		}
		if again, _ := r.Snapshot(time.Now()); again != first {
			t.Error("the snapshot changed though nothing did")
		}
		if s.count() != 1 {
			t.Errorf("%d requests for 1000 verifications", s.count())
		}
		if n := testing.AllocsPerRun(100, func() { r.Snapshot(time.Now()) }); n != 0 {
			t.Errorf("Snapshot allocates %v times", n)
		}
		pass(224 * time.Second)
		if s.count() != 1 {
			t.Errorf("%d requests within three quarters of max-age", s.count())
		}
		pass(2 * time.Second)
		if s.count() != 2 {
			t.Errorf("%d requests after three quarters of max-age, want 2", s.count())
		}
		pass(time.Hour)
		if s.count() != 18 { // one each 225 s
			t.Errorf("%d requests in an hour and four minutes, want 18", s.count())
		}
	})
}

func TestRemoteIsFreshForAsLongAsItsServerSays(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"max-age=300":                300 * time.Second * 3 / 4,
		"public, MAX-AGE=40":         30 * time.Second,
		"max-age=1":                  time.Second,
		"":                           5 * time.Minute * 3 / 4,
		"max-age=0":                  30 * time.Second, // the cool-down
		"no-cache":                   30 * time.Second,
		"no-store, max-age=600":      30 * time.Second,
		"max-age=never":              30 * time.Second,
		"max-age=99999999999":        18 * time.Hour, // bounded by the hard limit
		"max-age=999999999999999999": 18 * time.Hour,
	} {
		synctest.Test(t, func(t *testing.T) {
			doc := string(document(t, jwk(t, newKey(t, jwt.ES256))))
			s := &site{answer: respond(200, doc, "Cache-Control", header)}
			remote(t, s)
			pass(want - time.Millisecond)
			early := s.count()
			pass(2 * time.Millisecond)
			if early != 1 || s.count() != 2 {
				t.Errorf("%q: %d requests before %s and %d after", header, early, want, s.count())
			}
		})
	}
	synctest.Test(t, func(t *testing.T) { // a cache on the way has kept it for 260 s
		s := &site{answer: respond(200, string(document(t, jwk(t, newKey(t, jwt.ES256)))), "Cache-Control", "max-age=300", "Age", "260")}
		remote(t, s)
		pass(31 * time.Second)
		if s.count() != 2 {
			t.Errorf("%d requests: the Age of an answer is not taken off its max-age", s.count())
		}
	})
}

func TestRemoteAsksWhetherItsSetIsCurrent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newKey(t, jwt.ES256)
		set := jwks.NewSet(key.Public())
		h := jwks.Handler(func(time.Time) (*jwks.Set, time.Duration) { return set, 300 * time.Second })
		var statuses []int
		s := &site{answer: func(r *http.Request) (*http.Response, error) {
			w := newRecorder()
			h.ServeHTTP(w, r)
			statuses = append(statuses, w.Code)
			return w.Result(), nil
		}}
		r := remote(t, s, func(c *jwks.RemoteConfig) { c.HardLimit = 10 * time.Minute })
		before, _ := r.Snapshot(time.Now())
		pass(time.Hour)
		after, err := r.Snapshot(time.Now())
		if err != nil || before != after {
			t.Errorf("after an hour of 304: same set %v, %v", before == after, err)
		}
		if statuses[0] != 200 || statuses[1] != 304 || len(statuses) != 17 {
			t.Errorf("statuses %v", statuses)
		}
	})
}

func TestA041RemovedKeyIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stays, leaves := newKey(t, jwt.ES256), newKey(t, jwt.ES256)
		s := &site{answer: publish(t, stays, leaves)}
		r := remote(t, s)
		v := verifier(t, r)
		kept, lost := sign(t, stays, time.Now()), sign(t, leaves, time.Now())
		if reason(t, v, kept) != "" || reason(t, v, lost) != "" {
			t.Fatal("both keys are published, and a token is refused")
		}
		snap, _ := r.Snapshot(time.Now())
		pointer, gone := snap.Key(stays.ID()), snap.Key(leaves.ID())

		s.serve(publish(t, stays))
		pass(300 * time.Second) // the bound: max-age
		if got := reason(t, v, lost); got != jwt.BadKey {
			t.Errorf("a token of a removed key, verified before: %q, want key", got)
		}
		if got := reason(t, v, kept); got != "" {
			t.Errorf("a token of a key that stayed: %q", got)
		}
		snap, _ = r.Snapshot(time.Now())
		if len(snap.Keys()) != 1 || snap.Key(stays.ID()) != pointer {
			t.Error("the set was not replaced, or a key that stayed is another pointer")
		}
		if !gone.Withdrawn() || pointer.Withdrawn() {
			t.Error("exactly the key that left must be withdrawn")
		}

		s.serve(publish(t, stays, leaves)) // it comes back, and is as good as new
		pass(300 * time.Second)
		if got := reason(t, v, lost); got != "" {
			t.Errorf("a token of a key that came back: %q", got)
		}
	})
}

// forged returns a token whose header asks for a key ID.
func forged(kid string) string {
	header := fmt.Sprintf(`{"alg":"ES256","kid":%q,"typ":"at+jwt"}`, kid)
	return base64.RawURLEncoding.EncodeToString([]byte(header)) + ".e30." + strings.Repeat("A", 86)
}

func TestA042UnknownKidFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newKey(t, jwt.ES256)
		s := &site{answer: publish(t, key)}
		r := remote(t, s)
		v, raw := verifier(t, r), sign(t, key, time.Now())
		flood := func(n int) (reasons map[jwt.Reason]int) {
			reasons = map[jwt.Reason]int{}
			for i := range n {
				reasons[reason(t, v, forged(jwt.NewID()))]++
				if i%10 == 0 && reason(t, v, raw) != "" {
					t.Fatal("valid traffic is refused during the flood")
				}
			}
			return reasons
		}
		got := flood(1000)
		if s.count() != 2 || got[jwt.BadKey] != 1 || got[jwt.Unavailable] != 999 {
			t.Errorf("%d requests, reasons %v; want one fetch for the flood", s.count(), got)
		}
		pass(29 * time.Second)
		if flood(1000); s.count() != 2 {
			t.Errorf("%d requests within the cool-down", s.count())
		}
		pass(time.Second)
		if flood(1000); s.count() != 3 {
			t.Errorf("%d requests after the cool-down, want 3", s.count())
		}
	})
}

func TestNewKeyIsFoundByOneFetchForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, fresh := newKey(t, jwt.ES256), newKey(t, jwt.ES256)
		s := &site{answer: publish(t, old)}
		r := remote(t, s)
		v, raw := verifier(t, r), sign(t, fresh, time.Now())
		answer := publish(t, old, fresh)
		s.serve(func(r *http.Request) (*http.Response, error) {
			<-time.After(time.Second) // everybody comes while the fetch is under way
			return answer(r)
		})
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if got := reason(t, v, raw); got != "" {
					t.Errorf("refused: %s", got)
				}
			})
		}
		wg.Wait()
		if s.count() != 2 {
			t.Errorf("%d requests, want the first and one more", s.count())
		}
	})
}

// A fetch that began before the key was published does not settle the matter.
func TestKeyPublishedDuringAFetchIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, fresh := newKey(t, jwt.ES256), newKey(t, jwt.ES256)
		s := &site{answer: publish(t, old)}
		r := remote(t, s)
		before := publish(t, old)
		s.serve(func(r *http.Request) (*http.Response, error) {
			<-time.After(2 * time.Second)
			return before(r)
		})
		pass(226 * time.Second) // the fetch in the background is under way
		s.serve(publish(t, old, fresh))
		if got := reason(t, verifier(t, r), sign(t, fresh, time.Now())); got != "" || s.count() != 3 {
			t.Errorf("%q after %d requests, want 3", got, s.count())
		}
	})
}

func TestWhoLeavesDoesNotFailTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fresh := newKey(t, jwt.ES256)
		s := &site{answer: publish(t, newKey(t, jwt.ES256))}
		r := remote(t, s)
		answer := publish(t, fresh)
		s.serve(func(r *http.Request) (*http.Response, error) {
			select {
			case <-r.Context().Done():
				return nil, r.Context().Err()
			case <-time.After(2 * time.Second):
				return answer(r)
			}
		})
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var first, second error
		var wg sync.WaitGroup
		wg.Go(func() { first = r.Missing(impatient, time.Now(), fresh.ID()) })
		synctest.Wait()
		wg.Go(func() { second = r.Missing(t.Context(), time.Now(), fresh.ID()) })
		wg.Wait()
		if jwt.ReasonOf(first) != jwt.Unavailable || !errors.Is(first, context.DeadlineExceeded) {
			t.Errorf("who left got %v", first)
		}
		if second != nil || s.count() != 2 {
			t.Errorf("who stayed got %v after %d requests", second, s.count())
		}
	})
}

func TestA043LastGoodSetIsKeptUntilTheHardLimit(t *testing.T) {
	otherwiseGood := string(document(t, jwk(t, newKey(t, jwt.ES256))))
	for name, misbehaviour := range map[string]func(*http.Request) (*http.Response, error){
		"500":              respond(500, otherwiseGood),
		"404":              respond(404, "not found"),
		"203":              respond(203, otherwiseGood),
		"304 unasked":      respond(304, ""),
		"redirect away":    respond(302, "", "Location", "https://evil.example.net/keys"),
		"redirect to http": respond(302, "", "Location", "http://id.example.com/keys"),
		"redirect loop":    respond(307, "", "Location", keysURL),
		"HTML":             respond(200, "<html>please log in</html>", "Content-Type", "text/html"),
		"empty body":       respond(200, ""),
		"empty set":        respond(200, `{"keys":[]}`),
		"no usable key":    respond(200, `{"keys":[{"kty":"oct","k":"AA"},{"kty":"AKP"}]}`),
		"endless body":     flooding,
		"gzip unasked":     respond(200, otherwiseGood, "Content-Encoding", "gzip"),
		"slow drip":        dripping,
		"no answer":        hanging,
		"no connection":    refusing,
	} {
		synctest.Test(t, func(t *testing.T) {
			key := newKey(t, jwt.ES256)
			s := &site{answer: publish(t, key)}
			r := remote(t, s, func(c *jwks.RemoteConfig) { c.HardLimit = time.Hour })
			v, raw := verifier(t, r), sign(t, key, time.Now())
			before, _ := r.Snapshot(time.Now())
			s.serve(misbehaviour)
			s.mu.Lock()
			s.read = 0
			s.mu.Unlock()
			pass(time.Hour)
			if after, err := r.Snapshot(time.Now()); after != before || err != nil {
				t.Errorf("%s: the good set is gone before the hard limit: %v", name, err)
			}
			if got := reason(t, v, raw); got != "" {
				t.Errorf("%s: a good token is refused before the hard limit: %s", name, got)
			}
			tries := r.Stats()
			if tries.Failures != tries.Fetches-1 || tries.Err == nil || !errors.Is(tries.Err, jwks.ErrFetch) && !errors.Is(tries.Err, jwks.ErrSet) {
				t.Errorf("%s: %d of %d fetches failed, the last with %v", name, tries.Failures, tries.Fetches, tries.Err)
			}
			if most := tries.Failures * (256<<10 + 1); s.read > most {
				t.Errorf("%s: %d bytes were read in %d fetches", name, s.read, tries.Failures)
			}
			for _, u := range s.requests {
				if u != keysURL {
					t.Errorf("%s: asked %s", name, u)
				}
			}
			pass(2 * time.Second)
			if got := reason(t, v, raw); got != jwt.Unavailable {
				t.Errorf("%s: past the hard limit a token verified before gets %q, want unavailable", name, got)
			}
			s.serve(publish(t, key))
			pass(time.Minute)
			if got := reason(t, v, raw); got != "" {
				t.Errorf("%s: refused after the issuer recovered: %s", name, got)
			}
		})
	}
}

func TestColdRemoteKeepsTrying(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newKey(t, jwt.ES256)
		s := &site{answer: refusing}
		r := remote(t, s)
		v, raw := verifier(t, r), sign(t, key, time.Now())
		if got := reason(t, v, raw); got != jwt.Unavailable {
			t.Errorf("a cold verifier says %q, want unavailable", got)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		if err := r.Ready(ctx); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, jwks.ErrFetch) {
			t.Errorf("Ready says %v", err)
		}
		pass(time.Minute)
		if s.count() != 61 {
			t.Errorf("%d requests in the first minute, want one a second", s.count())
		}
		s.serve(publish(t, key))
		pass(time.Second)
		if got := reason(t, v, raw); got != "" || s.count() != 62 {
			t.Errorf("a second after the issuer is up: %q, %d requests", got, s.count())
		}
	})
}

// With a set in hand there is no hurry: an issuer in trouble is left in peace.
func TestWarmRemoteAsksMoreAndMoreSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &site{answer: publish(t, newKey(t, jwt.ES256))}
		remote(t, s)
		s.serve(refusing)
		pass(225*time.Second + 31*time.Second) // at 0, 1, 3, 7, 15 and 31 s after the first that fails
		if s.count() != 7 {
			t.Errorf("%d requests, want 7", s.count())
		}
		pass(90 * time.Second) // and each 30 s
		if s.count() != 10 {
			t.Errorf("%d requests, want 10", s.count())
		}
	})
}

func TestA052OneKeyIDKeepsItsMeaning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other, one, two := newKey(t, jwt.ES256), newKey(t, jwt.ES256), newKey(t, jwt.ES256)
		serve := func(k *jwt.PrivateKey) func(*http.Request) (*http.Response, error) {
			keys := []any{jwk(t, other)}
			if k != nil {
				keys = append(keys, with(jwk(t, k), "kid", "k"))
			}
			return respond(200, string(document(t, keys...)), "Cache-Control", "max-age=300")
		}
		s := &site{answer: serve(one)}
		r := remote(t, s)
		material := func() string {
			snap, err := r.Snapshot(time.Now())
			if err != nil {
				t.Fatal(err)
			}
			if k := snap.Key("k"); k != nil {
				return k.Thumbprint()
			}
			return ""
		}
		if material() != one.Public().Thumbprint() {
			t.Fatal("the key is not there")
		}
		for range 3 {
			s.serve(serve(two))
			pass(300 * time.Second)
			if got := material(); got != "" {
				t.Fatal("a key ID was given other key material, and it is used")
			}
			if st := r.Stats(); len(st.Skipped) != 1 || !strings.Contains(st.Skipped[0].Error(), "other key material") {
				t.Errorf("skipped: %v", st.Skipped)
			}
		}
		s.serve(serve(nil))
		pass(300 * time.Second)
		s.serve(serve(two))
		pass(300 * time.Second)
		if material() != two.Public().Thumbprint() {
			t.Error("after its removal a key ID may stand for another key")
		}
	})
}

func TestRemoteConfigSaysAllThatIsWrong(t *testing.T) {
	for _, c := range []struct {
		cfg  jwks.RemoteConfig
		want string
	}{
		{jwks.RemoteConfig{}, "name the key set's URL"},
		{jwks.RemoteConfig{URL: keysURL, Issuer: issuer}, "not both"},
		{jwks.RemoteConfig{URL: "http://id.example.com/keys"}, "from this machine only"},
		{jwks.RemoteConfig{URL: "http://127.0.0.1.example.com/keys"}, "from this machine only"},
		{jwks.RemoteConfig{URL: "http://localhost.example.com/keys"}, "from this machine only"},
		{jwks.RemoteConfig{Issuer: "ftp://id.example.com"}, "from this machine only"},
		{jwks.RemoteConfig{URL: "https://user:pw@id.example.com/keys"}, "user or password"},
		{jwks.RemoteConfig{URL: "https://id.example.com/keys#a"}, "fragment"},
		{jwks.RemoteConfig{URL: "id.example.com/keys"}, "no host"},
		{jwks.RemoteConfig{URL: "https:///keys"}, "no host"},
		{jwks.RemoteConfig{URL: "https://a b"}, "not a URL"},
		{jwks.RemoteConfig{URL: keysURL, Timeout: -1}, "leave it 0"},
	} {
		r, err := jwks.NewRemote(c.cfg)
		if r != nil || !errors.Is(err, jwks.ErrConfig) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got %v, want %q", c.cfg, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "pw") {
			t.Errorf("a password is in the error: %v", err)
		}
	}
	for _, local := range []string{"http://127.0.0.1:8080/k", "http://localhost/k", "http://[::1]:9/k", "http://127.9.9.9/k"} {
		r, err := jwks.NewRemote(jwks.RemoteConfig{URL: local, Client: (&site{answer: refusing}).client()})
		if err != nil {
			t.Errorf("%s: %v", local, err)
			continue
		}
		r.Close()
	}
}

func TestClosedRemoteFetchesNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newKey(t, jwt.ES256)
		s := &site{answer: publish(t, key)}
		r := remote(t, s)
		s.serve(hanging)
		waiting := make(chan error)
		go func() { waiting <- r.Missing(t.Context(), time.Now(), "k") }()
		synctest.Wait()
		began := time.Now()
		r.Close()
		r.Close()
		if got := <-waiting; jwt.ReasonOf(got) != jwt.Unavailable {
			t.Errorf("who waited got %v", got)
		}
		if !time.Now().Equal(began) {
			t.Error("Close waits for a fetch instead of ending it")
		}
		pass(time.Hour)
		if got := r.Missing(t.Context(), time.Now(), "k"); jwt.ReasonOf(got) != jwt.Unavailable || s.count() != 2 {
			t.Errorf("after Close: %v, %d requests", got, s.count())
		}
		if got := reason(t, verifier(t, r), sign(t, key, time.Now())); got != "" {
			t.Errorf("the set is in use until its hard limit: %s", got)
		}
	})
	r, err := jwks.NewRemote(jwks.RemoteConfig{URL: keysURL, Client: (&site{answer: refusing}).client()})
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	if err := r.Ready(t.Context()); jwt.ReasonOf(err) != jwt.Unavailable {
		t.Errorf("Ready of a closed Remote: %v", err)
	}
}

// A fetch must not go down a dead HTTP/2 connection again and again; that the
// setting does what it says is shown where questions are asked, in the root.
func TestADeadConnectionIsGivenUp(t *testing.T) {
	if h := jwks.OwnTransport().HTTP2; h == nil || h.SendPingTimeout <= 0 || h.PingTimeout <= 0 {
		t.Errorf("a connection may stay dead for ever: %+v", h)
	}
}
