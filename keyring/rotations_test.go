package keyring_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jotkeeper/jotkeeper/jwks"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keyring"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

// A cut store is out of reach while down is true.
type cut struct {
	keyring.Store
	down *bool
}

func (c *cut) Keys(ctx context.Context) ([]keyring.Record, error) {
	if *c.down {
		return nil, errDown
	}
	return c.Store.Keys(ctx)
}

// A wire carries requests to a handler, without sockets.
type wire struct{ http.Handler }

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	return rec.Result(), nil
}

// A minted token, with the key it is of.
type minted struct {
	raw     string
	kid     string
	expires time.Time
}

// TestA046ThousandRotations runs two nodes and three verifiers for a thousand
// rotations of virtual time, in which no valid token is refused, and no token of
// a key that is gone is accepted. Nothing but the published set, with its
// max-age, connects them.
func TestA046ThousandRotations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := memory.New()
		defer b.Close()
		cfg := config(b.Set().Keys)
		cfg.MaxAge, cfg.Rotation, cfg.TokenLife = time.Minute, 4*time.Minute, 5*time.Minute
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var nodes []*keyring.Ring
		for range 2 {
			n := open(t, time.Now(), cfg)
			nodes = append(nodes, n)
			go n.Run(ctx)
		}
		var verifiers []*jwt.Verifier[jwt.Access]
		var remotes []*jwks.Remote
		for i := range 3 {
			r, err := jwks.NewRemote(jwks.RemoteConfig{
				URL: issuer + "/jwks", Client: &http.Client{Transport: wire{jwks.Handler(nodes[i%2].Publish)}},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if err := r.Ready(ctx); err != nil {
				t.Fatal(err)
			}
			remotes, verifiers = append(remotes, r), append(verifiers, verifier(t, r))
		}

		seen := map[string]bool{}
		var live []minted
		accepted, refused, last := 0, 0, ""
		for i := 0; len(seen) <= 1000; i++ {
			<-time.After(50 * time.Second)
			now := time.Now()
			raw := signFor(t, nodes[i%2], now, 5*time.Minute)
			last = kidOf(t, raw)
			seen[last] = true
			live = append(live, minted{raw, last, now.Add(5 * time.Minute)})
			for len(live) > 0 && !live[0].expires.After(now) {
				live = live[1:]
			}
			for _, m := range live {
				for _, v := range verifiers {
					if _, err := v.Verify(ctx, now, m.raw); err != nil {
						t.Fatalf("rotation %d: a valid token is refused: %v", len(seen), err)
					}
					accepted++
				}
			}
		}
		for _, r := range remotes { // whoever stole an old key gets nowhere with it
			snap, err := r.Snapshot(time.Now())
			if err != nil || len(snap.Keys()) > 6 {
				t.Errorf("a verifier holds %d keys, %v", len(snap.Keys()), err)
			}
			for kid := range seen {
				if snap.Key(kid) == nil {
					refused++
				}
			}
			if st := r.Stats(); st.Failures > 0 {
				t.Errorf("stats: %+v", st)
			}
		}
		if accepted < 3*4*1000 || refused < 3*990 {
			t.Errorf("%d acceptances, %d keys out of reach", accepted, refused)
		}
		t.Logf("%d keys signed, %d verifications, none refused", len(seen), accepted)
		cancel()
		synctest.Wait()
	})
}

func signFor(t testing.TB, r *keyring.Ring, now time.Time, life time.Duration) string {
	t.Helper()
	raw, err := r.Signer(jwt.KindAccess).Sign(now, &jwt.Access{Registered: jwt.Registered{
		Issuer: issuer, Subject: "42", Audience: jwt.Audience{audience}, ID: jwt.NewID(),
		IssuedAt: jwt.TimeOf(now), Expires: jwt.TimeOf(now.Add(life)),
	}})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
