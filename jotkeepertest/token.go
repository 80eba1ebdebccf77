package jotkeepertest

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/binding"
	"github.com/jotkeeper/jotkeeper/jwt"
)

// An Option changes one thing about a token.
type Option func(*token)

// A token that is being minted.
type token struct {
	access jwt.Access
	now    time.Time
	life   time.Duration
	forge  bool
	err    error
}

// Subject is the account; without it "42".
func Subject(sub string) Option { return func(t *token) { t.access.Subject = sub } }

// Audience is whom the token is for; without it DefaultAudience.
func Audience(aud ...string) Option { return func(t *token) { t.access.Audience = aud } }

// Scope is what the token allows, one word each; without it nothing.
func Scope(words ...string) Option {
	return func(t *token) { t.access.Scope = strings.Join(words, " ") }
}

// IssuedBy is another issuer's name in iss, under this one's signature.
func IssuedBy(iss string) Option { return func(t *token) { t.access.Issuer = iss } }

// At is when the token is issued; without it now.
func At(now time.Time) Option { return func(t *token) { t.now = now } }

// Lifetime is how long it is good from then on; without it 15 minutes.
func Lifetime(d time.Duration) Option { return func(t *token) { t.life = d } }

// Expired is a token that was good until a minute ago.
func Expired() Option {
	return func(t *token) { t.now = t.now.Add(-t.life - time.Minute) }
}

// Claim is a private claim. A reserved name fails the test.
func Claim(name string, value any) Option {
	return func(t *token) {
		if err := t.access.SetPrivate(name, value); err != nil {
			t.err = err
		}
	}
}

// BadSignature is a token whose signature is that of another one.
func BadSignature() Option { return func(t *token) { t.forge = true } }

// Token mints an access token.
func (i *Issuer) Token(t testing.TB, options ...Option) string {
	t.Helper()
	m := token{now: time.Now(), life: 15 * time.Minute}
	m.access.Registered = jwt.Registered{
		Issuer: i.URL, Subject: "42", Audience: jwt.Audience{DefaultAudience},
		ID: jwt.NewID(), SessionID: jwt.NewID(),
	}
	for _, o := range options {
		o(&m)
	}
	if m.err != nil {
		t.Fatal(m.err)
	}
	m.access.IssuedAt, m.access.Expires = jwt.TimeOf(m.now), jwt.TimeOf(m.now.Add(m.life))
	raw := i.sign(t, &m)
	if m.forge {
		m.access.ID = jwt.NewID()
		return raw[:strings.LastIndexByte(raw, '.')] + suffix(i.sign(t, &m))
	}
	i.mu.Lock()
	i.minted[raw] = &m.access
	i.mu.Unlock()
	return raw
}

// LockedToken mints a token that is locked to a browser, and the lock, which is
// the cookie that the browser keeps: send it along, or leave it out.
func (i *Issuer) LockedToken(t testing.TB, options ...Option) (raw string, lock *http.Cookie) {
	t.Helper()
	lockUp := func(m *token) {
		l, sid := binding.NewLock(), m.access.SessionID
		m.access.Confirmation = l.Confirmation(sid)
		lock = l.Cookie(sid, m.now.Add(m.life))
	}
	raw = i.Token(t, slices.Concat(options, []Option{lockUp})...)
	return raw, lock
}

// suffix returns the signature with its dot.
func suffix(raw string) string { return raw[strings.LastIndexByte(raw, '.'):] }

func (i *Issuer) sign(t testing.TB, m *token) string {
	t.Helper()
	raw, err := jwt.NewSigner(i.signing, jwt.KindAccess).Sign(m.now, &m.access)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func (i *Issuer) signing(time.Time) (*jwt.PrivateKey, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.keys[len(i.keys)-1], nil
}
