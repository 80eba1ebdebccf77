package onetime

import "github.com/jotkeeper/jotkeeper/jwt"

// The kinds of one-time tokens: the JOSE typ of each purpose.
const (
	KindReset  jwt.Kind = "reset+jwt"  // sets a new password
	KindLogin  jwt.Kind = "login+jwt"  // logs in, perhaps for one scope only
	KindVerify jwt.Kind = "verify+jwt" // proves that an address is read
)

// Claims are those of every one-time token.
type Claims struct {
	jwt.Registered
	Version int64  `json:"lock"`            // of what the token may change, when it was made
	Scope   string `json:"scope,omitempty"` // what its use is limited to; empty: all that its purpose allows
}

// Bound returns c.
func (c *Claims) Bound() *Claims { return c }

// A Reset sets a new password.
type Reset struct{ Claims }

// Kind returns KindReset.
func (*Reset) Kind() jwt.Kind { return KindReset }

// A Login logs in without a password. With a Scope it opens what the mail was
// about, and nothing else of the account.
type Login struct{ Claims }

// Kind returns KindLogin.
func (*Login) Kind() jwt.Kind { return KindLogin }

// A Verify proves that somebody reads an address.
type Verify struct{ Claims }

// Kind returns KindVerify.
func (*Verify) Kind() jwt.Kind { return KindVerify }

// A Purpose is a claims type that embeds Claims. An application may add its
// own, with a Kind of its own.
type Purpose[C any] interface {
	*C
	jwt.Claims
	Bound() *Claims
}
