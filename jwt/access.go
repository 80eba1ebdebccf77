package jwt

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Access holds the claims of an access token (RFC 9068).
type Access struct {
	Registered
	AuthTime     Time          `json:"auth_time,omitzero"`
	Methods      []string      `json:"amr,omitempty"`
	Context      string        `json:"acr,omitempty"`
	Scope        string        `json:"scope,omitempty"` // space-separated
	Tenant       string        `json:"tid,omitempty"`
	Generation   string        `json:"gen,omitempty"` // "G.tag"
	Revision     string        `json:"rev,omitempty"` // "E:S", the revocation cursor its issuer had seen
	Confirmation *Confirmation `json:"cnf,omitempty"`

	// Private holds the application's own claims. Fill it with SetPrivate: a
	// Signer refuses reserved names in it.
	Private map[string]jsontext.Value `json:",embed"`
}

// Kind returns KindAccess.
func (*Access) Kind() Kind { return KindAccess }

// SetPrivate puts a claim of the application's own into a. A name that the
// token profile gives a meaning to, in whatever case, is refused: ErrClaims.
func (a *Access) SetPrivate(name string, value any) error {
	return putPrivate(&a.Private, name, value)
}

// PrivateClaims returns the claims whose names the application chose.
func (a *Access) PrivateClaims() map[string]jsontext.Value { return a.Private }

// A Confirmation binds a token to what else its bearer must show (RFC 7800).
type Confirmation struct {
	Lock       string `json:"lck,omitempty"` // of a cookie lock: room binding
	Thumbprint string `json:"jkt,omitempty"` // of a key (RFC 9449 §6.1)

	others bool
}

// Others reports whether the issuer demands something of the bearer that this
// package has no field for. Then the demand cannot be kept, and the token must
// be refused.
func (c *Confirmation) Others() bool { return c.others }

// UnmarshalJSONFrom reads the members that there are fields for, and notes
// whether there are others.
func (c *Confirmation) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var wire struct {
		Lock       string                    `json:"lck"`
		Thumbprint string                    `json:"jkt"`
		Rest       map[string]jsontext.Value `json:",embed"`
	}
	if err := json.UnmarshalDecode(dec, &wire); err != nil {
		return err
	}
	*c = Confirmation{wire.Lock, wire.Thumbprint, len(wire.Rest) > 0}
	return nil
}
