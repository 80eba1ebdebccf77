package jwt

import "github.com/go-json-experiment/json/jsontext"

// Session holds the claims of a keeper's token: a whole session in one token,
// which the keeper renews while it is still good.
type Session struct {
	Registered
	AuthTime     Time          `json:"auth_time,omitzero"`
	Methods      []string      `json:"amr,omitempty"`
	Context      string        `json:"acr,omitempty"`
	Scope        string        `json:"scope,omitempty"` // space-separated
	Tenant       string        `json:"tid,omitempty"`
	Version      string        `json:"ver,omitempty"` // of the application that wrote the claims
	Absolute     Time          `json:"sxp,omitzero"`  // the session's end, which no renewal moves
	Renews       string        `json:"prv,omitempty"` // jti of the token that this one succeeds
	Revision     string        `json:"rev,omitempty"` // "E:S", the revocation cursor its issuer had seen
	Confirmation *Confirmation `json:"cnf,omitempty"`
	CSRF         string        `json:"csrf,omitempty"` // what a page of this session may echo to show that it is ours

	// Private holds the application's own claims. Fill it with SetPrivate: a
	// Signer refuses reserved names in it.
	Private map[string]jsontext.Value `json:",embed"`
}

// Kind returns KindSession.
func (*Session) Kind() Kind { return KindSession }

// SetPrivate puts a claim of the application's own into s, as Access.SetPrivate does.
func (s *Session) SetPrivate(name string, value any) error {
	return putPrivate(&s.Private, name, value)
}

// PrivateClaims returns the claims whose names the application chose.
func (s *Session) PrivateClaims() map[string]jsontext.Value { return s.Private }
