package keeper

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/jotkeeper/jotkeeper/binding"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// A Token is a session's token that was made or found good here. It does not
// change. Printed, logged or written as JSON it tells which token it is, and
// never its text.
type Token struct {
	text    string
	claims  *jwt.Session // shared with the verifier: read only
	lock    binding.Lock // of a locked token; Find never returns one without it
	kid     string
	due     string
	foreign bool
}

// Text returns what the client sends. Who has it has the session.
func (t *Token) Text() string { return t.text }

// ID returns the token's own ID (jti).
func (t *Token) ID() string { return t.claims.ID }

// SessionID returns the ID of the session (sid), which a renewal keeps.
func (t *Token) SessionID() string { return t.claims.SessionID }

// Subject returns whose session it is (sub).
func (t *Token) Subject() string { return t.claims.Subject }

// Issuer returns who signed the token.
func (t *Token) Issuer() string { return t.claims.Issuer }

// Expires returns when the token expires.
func (t *Token) Expires() time.Time { return t.claims.Expires.Time() }

// Ends returns when the session ends, whatever its renewals; zero for a foreign
// token that does not say.
func (t *Token) Ends() time.Time {
	if t.claims.Absolute == 0 {
		return time.Time{}
	}
	return t.claims.Absolute.Time()
}

// Version returns the version of the application that made the claims.
func (t *Token) Version() string { return t.claims.Version }

// Claims returns a copy of what the session says.
func (t *Token) Claims() Claims { return claimsOf(t.claims) }

// CSRF returns the secret of the session that its pages may echo in
// X-CSRF-Token, "" without Config.CSRF. Write it into your own pages only.
func (t *Token) CSRF() string { return t.claims.CSRF }

// Due tells why the token should be renewed now: rotate (somebody asked),
// version, half (of its life is over); empty when it should not.
func (t *Token) Due() string { return t.due }

// Foreign tells whether the token is another issuer's.
func (t *Token) Foreign() bool { return t.foreign }

// Format prints which token it is under every verb, %x and %#v included.
func (t Token) Format(f fmt.State, _ rune) {
	if t.claims == nil {
		fmt.Fprint(f, "no token")
		return
	}
	fmt.Fprintf(f, "token %s of session %s", t.claims.ID, t.claims.SessionID)
}

// MarshalJSON writes which token it is, not its text.
func (t Token) MarshalJSON() ([]byte, error) {
	if t.claims == nil {
		return []byte("null"), nil
	}
	return json.Marshal(map[string]any{"jti": t.claims.ID, "sid": t.claims.SessionID, "sub": t.claims.Subject, "exp": t.claims.Expires})
}

// LogValue tells which token it is, not its text.
func (t Token) LogValue() slog.Value {
	if t.claims == nil {
		return slog.Value{}
	}
	return slog.GroupValue(slog.String("jti", t.claims.ID), slog.String("sid", t.claims.SessionID))
}

// query is what the rules are asked about the token.
func (t *Token) query() revocation.Query {
	return revocation.QueryOf(&jwt.Access{
		Registered: t.claims.Registered, Tenant: t.claims.Tenant, Revision: t.claims.Revision,
	}, t.kid)
}
