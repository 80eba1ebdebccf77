package jotkeepertest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/binding"
	"github.com/jotkeeper/jotkeeper/jwks"
	"github.com/jotkeeper/jotkeeper/jwt"
)

// DefaultAudience is the audience of tokens that were not given another one.
const DefaultAudience = "https://api.example.com"

// An Issuer signs tokens and serves what verifiers ask for. It may be used by
// many goroutines.
type Issuer struct {
	URL string // its iss, and where it listens

	server, elsewhere *httptest.Server
	ending            chan struct{} // closed when the test ends

	mu      sync.Mutex
	keys    []*jwt.PrivateKey // published; the last one signs
	hidden  *jwt.PrivateKey   // never published
	mode    Mode
	minted  map[string]*jwt.Access // tokens; nil: it was revoked
	counted map[string]int
}

// NewIssuer starts an issuer with an ES256 key, on a free port of this machine.
// It ends with the test.
func NewIssuer(t testing.TB) *Issuer {
	t.Helper()
	i := &Issuer{ending: make(chan struct{}), minted: map[string]*jwt.Access{}, counted: map[string]int{}}
	i.keys, i.hidden = []*jwt.PrivateKey{newKey(t)}, newKey(t)
	i.elsewhere = httptest.NewServer(http.HandlerFunc(i.serveElsewhere))
	i.server = httptest.NewServer(i)
	i.URL = i.server.URL
	t.Cleanup(func() {
		close(i.ending) // lets go of slow answers, which Close would wait for
		i.server.Close()
		i.elsewhere.Close()
	})
	return i
}

func newKey(t testing.TB) *jwt.PrivateKey {
	t.Helper()
	k, err := jwt.GenerateKey(jwt.ES256)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Keys returns the published keys as of now, for a verifier without a network.
func (i *Issuer) Keys() jwt.Keys {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.set()
}

// set returns the published set. The caller holds mu.
func (i *Issuer) set() *jwks.Set {
	var keys []*jwt.PublicKey
	for _, k := range i.keys {
		keys = append(keys, k.Public())
	}
	return jwks.NewSet(keys...)
}

// Rotate makes a new key that signs from now on. The older ones stay published,
// the last two of them.
func (i *Issuer) Rotate(t testing.TB) {
	t.Helper()
	k := newKey(t)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = append(i.keys, k)
	i.keys = i.keys[max(0, len(i.keys)-3):]
}

// Revoke makes the issuer say of a token that it was revoked, when asked at
// /revocation/v1/check. Who does not ask does not hear of it.
func (i *Issuer) Revoke(token string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.minted[token] = nil
}

// Requests returns how often a path was asked for: the discovery document at
// /.well-known/openid-configuration, the keys at /.well-known/jwks.json. The
// path "elsewhere" counts who followed a redirect to another host.
func (i *Issuer) Requests(path string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.counted[path]
}

func (i *Issuer) count(path string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.counted[path]++
}

// The paths that are served.
const (
	discoveryPath = "/.well-known/openid-configuration"
	keysPath      = "/.well-known/jwks.json"
	checkPath     = "/revocation/v1/check"
)

// ServeHTTP serves the issuer. It is there for a test that brings its own
// network.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.count(r.URL.Path)
	switch r.URL.Path {
	case discoveryPath:
		if !i.misbehaves(w, r) {
			writeJSON(w, http.StatusOK, map[string]string{"issuer": i.URL, "jwks_uri": i.URL + keysPath})
		}
	case keysPath:
		if !i.misbehaves(w, r) {
			jwks.Handler(i.publish).ServeHTTP(w, r)
		}
	case checkPath:
		i.check(w, r)
	default:
		http.NotFound(w, r)
	}
}

// publish returns the set that is served, as the mode has it.
func (i *Issuer) publish(time.Time) (*jwks.Set, time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.bend(i.set()), 5 * time.Minute
}

// check tells a token its verdict, as the auth server does.
func (i *Issuer) check(w http.ResponseWriter, r *http.Request) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	i.mu.Lock()
	claims, known := i.minted[token]
	i.mu.Unlock()
	switch {
	case !known:
		refuse(w, jwt.Signature)
	case claims == nil:
		refuse(w, jwt.Revoked)
	case binding.WhenLocked.Check(r, claims.SessionID, claims.Confirmation) != nil:
		refuse(w, jwt.Binding)
	default:
		writeJSON(w, http.StatusOK, map[string]any{"active": true})
	}
}

func refuse(w http.ResponseWriter, reason jwt.Reason) {
	w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token", reason="`+string(reason)+`"`)
	writeJSON(w, http.StatusUnauthorized, map[string]any{"title": "Unauthorized", "status": http.StatusUnauthorized, "code": reason})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) // the client may be gone; that is its affair
}
