package conformance

import (
	"encoding/json"
	"fmt"
)

// The versions of the protocol. A verifier of the first one knows of no optional
// part; it is asked everything else.
const (
	first  = 1
	latest = 2
)

// A Request is a line that an implementation reads. Kind says which members
// matter: docs/spec/conformance.md has the table.
type Request struct {
	Version int    `json:"v"`
	Case    string `json:"case"`
	Kind    string `json:"kind"` // offers, verify, lock, rules, follow, ask, and those of the optional parts
	Now     int64  `json:"now,omitempty"`
	Issuer  string `json:"issuer,omitempty"`

	Audience string          `json:"audience,omitempty"`
	Keys     json.RawMessage `json:"keys,omitempty"`
	Token    string          `json:"token,omitempty"`

	Key    json.RawMessage `json:"key,omitempty"`
	Sealed string          `json:"sealed,omitempty"`

	SID      string          `json:"sid,omitempty"`
	CNF      json.RawMessage `json:"cnf,omitempty"`
	Required bool            `json:"required,omitempty"`
	Cookie   string          `json:"cookie,omitempty"`

	Epoch   uint64   `json:"epoch,omitempty"`
	Entries []string `json:"entries,omitempty"`
	Claims  *Claims  `json:"claims,omitempty"`

	Cursor string `json:"cursor,omitempty"`
	Boot   string `json:"boot,omitempty"`
	Frames string `json:"frames,omitempty"`

	URL        string `json:"url,omitempty"`
	Credential string `json:"credential,omitempty"`
}

// Claims are what rules look at in a verified token. KeyID is of its header.
type Claims struct {
	Issuer    string `json:"iss"`
	ID        string `json:"jti,omitempty"`
	SessionID string `json:"sid,omitempty"`
	Subject   string `json:"sub,omitempty"`
	Tenant    string `json:"tid,omitempty"`
	KeyID     string `json:"kid,omitempty"`
	Revision  string `json:"rev,omitempty"`
	IssuedAt  int64  `json:"iat,omitempty"`
}

// An Answer is a line that an implementation writes.
type Answer struct {
	Case    string   `json:"case"`
	Offers  []string `json:"offers,omitzero"`
	Accept  *bool    `json:"accept,omitempty"`
	Reason  string   `json:"reason,omitempty"`
	Verdict string   `json:"verdict,omitempty"`
	Scope   string   `json:"scope,omitempty"`
	Stale   *bool    `json:"stale,omitempty"`
	Cursor  string   `json:"cursor,omitempty"`
	OK      bool     `json:"ok,omitempty"`

	Plaintext string `json:"plaintext,omitempty"`
	Beside    string `json:"beside,omitempty"`
}

// String returns what an answer says, without its case.
func (a *Answer) String() string {
	said := *a
	said.Case = ""
	text, err := json.Marshal(said)
	if err != nil {
		return fmt.Sprint(err)
	}
	var members map[string]json.RawMessage
	_ = json.Unmarshal(text, &members)
	delete(members, "case")
	text, _ = json.Marshal(members)
	return string(text)
}
