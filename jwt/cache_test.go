package jwt_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// keySet is an issuer's keys that change as a test goes on.
type keySet struct {
	keys   *jwt.Snapshot
	err    error
	fetch  func() error // what Missing does
	asked  []string
	reads  int
	atLast time.Time
}

func (k *keySet) Snapshot(now time.Time) (*jwt.Snapshot, error) {
	k.reads++
	k.atLast = now
	return k.keys, k.err
}

func (k *keySet) Missing(_ context.Context, _ time.Time, kid string) error {
	k.asked = append(k.asked, kid)
	return k.fetch()
}

// remembering returns a verifier that has verified raw once, and its keys.
func remembering(t *testing.T, key *jwt.PrivateKey) (v *jwt.Verifier[counted], set *keySet, raw string) {
	t.Helper()
	set = &keySet{keys: jwt.NewSnapshot(key.Public())}
	cfg := config()
	cfg.Keys = set
	v, err := jwt.NewVerifier[counted](cfg)
	if err != nil {
		t.Fatal(err)
	}
	raw = newForge(t, key).text()
	if _, why := verifyAt(v, noon, raw); why != "" {
		t.Fatalf("a good token is refused: %s", why)
	}
	return v, set, raw
}

// decoded counts the decodings that f causes: none means that the cache knew.
func decoded(f func()) int64 {
	before := decodings.Load()
	f()
	return decodings.Load() - before
}

func TestRememberedTokenIsNotReadAgain(t *testing.T) {
	v, _, raw := remembering(t, newKey(t, jwt.ES256))
	var first, second *counted
	n := decoded(func() { first, _ = verifyAt(v, noon, raw); second, _ = verifyAt(v, noon, raw) })
	if n != 0 || first == nil || first != second {
		t.Errorf("%d decodings, claims %p and %p; want none, and the same twice", n, first, second)
	}
}

func TestRememberedTokenAllocatesNothing(t *testing.T) {
	for _, alg := range algorithms {
		v, _, raw := remembering(t, newKey(t, alg))
		if n := testing.AllocsPerRun(1000, func() { verifyAt(v, noon, raw) }); n != 0 {
			t.Errorf("%s: %v allocations on a hit", alg, n)
		}
	}
}

func TestRememberedTokenStillExpires(t *testing.T) {
	v, _, raw := remembering(t, newKey(t, jwt.ES256))
	exp := access().Expires.Time()
	if _, why := verifyAt(v, exp.Add(-time.Second), raw); why != "" {
		t.Errorf("refused before exp: %s", why)
	}
	if claims, why := verifyAt(v, exp, raw); why != jwt.Expired || claims != nil {
		t.Errorf("at exp: reason %q, want expired", why)
	}
	if n := v.Remembered(); n != 0 {
		t.Errorf("%d entries past their exp", n)
	}
}

// A clock that is set back must not make a remembered token good too early.
func TestRememberedTokenStillHasToBegin(t *testing.T) {
	v, _, raw := remembering(t, newKey(t, jwt.ES256))
	if _, why := verifyAt(v, noon.Add(-61*time.Second), raw); why != jwt.Early {
		t.Errorf("a minute before nbf: reason %q, want early", why)
	}
}

func TestWithdrawnKeyForgetsItsTokens(t *testing.T) {
	key := newKey(t, jwt.ES256)
	v, _, raw := remembering(t, key)
	key.Public().Withdraw()
	n := decoded(func() {
		if _, why := verifyAt(v, noon, raw); why != jwt.BadKey {
			t.Errorf("reason %q, want key", why)
		}
	})
	if n != 0 || v.Remembered() != 0 {
		t.Errorf("%d decodings, %d entries left", n, v.Remembered())
	}
	if _, err := jwt.NewSigner(always(key), jwt.KindAccess).Sign(noon, access()); !errors.Is(err, jwt.ErrKey) {
		t.Errorf("a withdrawn key still signs: %v", err)
	}
}

func TestKeyThatLeftTheSetForgetsItsTokens(t *testing.T) {
	key, next := newKey(t, jwt.ES256), newKey(t, jwt.ES256)
	v, set, raw := remembering(t, key)
	set.keys, set.fetch = jwt.NewSnapshot(next.Public()), func() error { return nil }
	if _, why := verifyAt(v, noon, raw); why != jwt.BadKey {
		t.Errorf("reason %q, want key", why)
	}
	if v.Remembered() != 0 {
		t.Error("its entry is still there")
	}
}

// Other key material under the same kid is another key (attack row A052).
func TestReplacedKeyForgetsItsTokens(t *testing.T) {
	key := newKey(t, jwt.ES256)
	v, set, raw := remembering(t, key)
	set.keys = jwt.NewSnapshot(jwt.Named(newKey(t, jwt.ES256).Public(), key.ID()))
	if _, why := verifyAt(v, noon, raw); why != jwt.Signature {
		t.Errorf("reason %q, want signature", why)
	}
}

// The same key, fetched and parsed again, is the same key.
func TestSameKeyParsedAgainKeepsItsTokens(t *testing.T) {
	key := newKey(t, jwt.ES256)
	v, set, raw := remembering(t, key)
	set.keys = jwt.NewSnapshot(jwt.Named(key.Public(), key.ID()))
	if n := decoded(func() { verifyAt(v, noon, raw) }); n != 0 {
		t.Errorf("%d decodings after a refresh of the keys that changed nothing", n)
	}
	set.keys.Keys()[0].Withdraw()
	if _, why := verifyAt(v, noon, raw); why != jwt.BadKey {
		t.Errorf("withdrawn in its new copy: reason %q, want key", why)
	}
}

// A key that was withdrawn and comes back is believed anew, not from memory.
func TestKeyThatComesBackIsAskedAgain(t *testing.T) {
	key := newKey(t, jwt.ES256)
	v, set, raw := remembering(t, key)
	set.keys = jwt.NewSnapshot(jwt.Named(key.Public(), key.ID()))
	key.Public().Withdraw()
	n := decoded(func() {
		if _, why := verifyAt(v, noon, raw); why != "" {
			t.Errorf("refused for %s", why)
		}
	})
	if n != 1 {
		t.Errorf("%d decodings, want one", n)
	}
}

// Keys too old to be used are no keys, cache or not.
func TestHardLimitOfTheKeysHoldsForRememberedTokens(t *testing.T) {
	v, set, raw := remembering(t, newKey(t, jwt.ES256))
	old := set.keys
	set.keys, set.err = nil, errors.New("the keys are too old")
	if _, why := verifyAt(v, noon, raw); why != jwt.Unavailable {
		t.Errorf("reason %q, want unavailable", why)
	}
	set.keys, set.err = old, nil
	if _, why := verifyAt(v, noon, raw); why != "" {
		t.Errorf("the keys are back, and the token is refused: %s", why)
	}
	if !set.atLast.Equal(noon) {
		t.Errorf("the keys were asked for %v, not for now", set.atLast)
	}
}

func TestRefusedIsNotRemembered(t *testing.T) {
	key := newKey(t, jwt.ES256)
	v, _, raw := remembering(t, key)
	other := access()
	other.ID = "j-2"
	for range 3 {
		verifyAt(v, noon, part(2, constant(b64(string(make([]byte, 64)))))(raw))
		verifyAt(v, access().Expires.Time(), mustSign(t, key, other)) // expired
	}
	if n := v.Remembered(); n != 1 {
		t.Errorf("%d entries, want the good token alone", n)
	}
}

func TestNoCache(t *testing.T) {
	key := newKey(t, jwt.ES256)
	cfg := config(key.Public())
	cfg.CacheEntries = -1
	v, err := jwt.NewVerifier[counted](cfg)
	if err != nil {
		t.Fatal(err)
	}
	raw := newForge(t, key).text()
	if n := decoded(func() { verifyAt(v, noon, raw); verifyAt(v, noon, raw) }); n != 2 {
		t.Errorf("%d decodings, want 2", n)
	}
}

func TestCacheIsBounded(t *testing.T) {
	key := newKey(t, jwt.EdDSA)
	cfg := config(key.Public())
	cfg.CacheEntries = 10
	v, err := jwt.NewVerifier[counted](cfg)
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		c := access()
		c.ID = jwt.NewID()
		if _, why := verifyAt(v, noon, mustSign(t, key, c)); why != "" {
			t.Fatal(why)
		}
	}
	if n := v.Remembered(); n > 10 {
		t.Errorf("%d entries, want at most 10", n)
	}
}

// An ECDSA token has a twin, (r, n-s), that nobody can forbid: it is accepted,
// with the same jti. Hence revocation goes by jti or sid, never by text.
func TestTwinIsTheSameToken(t *testing.T) {
	key := newKey(t, jwt.ES256)
	f := newForge(t, key)
	sign := f.sign
	var other []byte
	f.sign = func(in string) []byte { sig := sign(in); other = twin(sig); return sig }
	raw := f.text()
	mirrored := part(2, constant(b64(string(other))))(raw)
	v := newVerifier(t, config(key.Public()))
	first, _ := verifyAt(v, noon, raw)
	second, why := verifyAt(v, noon, mirrored)
	if raw == mirrored || why != "" || first.ID != second.ID {
		t.Errorf("the twin: reason %q, jti %v", why, second)
	}
}
