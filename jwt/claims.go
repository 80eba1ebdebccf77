package jwt

import "github.com/go-json-experiment/json/jsontext"

// A Kind is the JOSE typ that tells one kind of token from another (RFC 8725 §3.11).
type Kind string

// The kinds that more than one room speaks of.
const (
	KindAccess  Kind = "at+jwt"      // RFC 9068
	KindSession Kind = "session+jwt" // a keeper's token
)

// A Time is a point in time in whole seconds since 1970 (RFC 7519 NumericDate).
type Time int64

// Claims is what a kind's claims type is: a struct that embeds Registered and
// names its Kind.
type Claims interface {
	Kind() Kind
	Base() *Registered
}

// Registered holds the claims that every token has (RFC 7519 §4.1).
type Registered struct {
	Issuer    string   `json:"iss"`
	Subject   string   `json:"sub"`
	Audience  Audience `json:"aud"`
	IssuedAt  Time     `json:"iat"`
	NotBefore Time     `json:"nbf,omitzero"`
	Expires   Time     `json:"exp"`
	ID        string   `json:"jti"`
	SessionID string   `json:"sid,omitempty"`
}

// Base returns r.
func (r *Registered) Base() *Registered { return r }

// An Audience is one audience, written as a string, or several as an array.
type Audience []string

// Access holds the claims of an access token.
type Access struct {
	Registered
	AuthTime     Time                      `json:"auth_time,omitzero"`
	Methods      []string                  `json:"amr,omitempty"`
	Context      string                    `json:"acr,omitempty"`
	Scope        string                    `json:"scope,omitempty"` // space-separated
	Tenant       string                    `json:"tid,omitempty"`
	Generation   string                    `json:"gen,omitempty"` // "G.tag"
	Revision     string                    `json:"rev,omitempty"` // "E:S", the revocation cursor its issuer had seen
	Confirmation *Confirmation             `json:"cnf,omitempty"`
	Private      map[string]jsontext.Value `json:",embed"`
}

// Kind returns KindAccess.
func (*Access) Kind() Kind { return KindAccess }

// A Confirmation binds a token to what else its bearer must show (RFC 7800).
type Confirmation struct {
	Lock       string `json:"lck,omitempty"`
	Thumbprint string `json:"jkt,omitempty"`
}

// An Algorithm is a JWS signature algorithm (RFC 7518 §3.1).
type Algorithm string
