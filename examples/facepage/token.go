package facepage

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// A shown is a token as a page shows it to the person whose it is.
type shown struct {
	Raw       string
	Head      string // the three parts as they travel
	Payload   string
	Signature string
	Header    string // decoded
	Claims    string // decoded
	ID        string // jti
	Key       string // kid
	Session   string
	Scope     string
	Issued    time.Time
	Expires   time.Time
}

// show decodes a token. It verifies nothing: whether the token is good is what
// the parts answer. It returns nil for what is no token.
func show(raw string) *shown {
	seen, err := jwt.InspectUnverified(raw)
	if err != nil {
		return nil
	}
	var header struct {
		Kid string `json:"kid"`
	}
	var claims struct {
		ID      string `json:"jti"`
		Session string `json:"sid"`
		Scope   string `json:"scope"`
		Issued  int64  `json:"iat"`
		Expires int64  `json:"exp"`
	}
	if json.Unmarshal(seen.Header, &header) != nil || json.Unmarshal(seen.Claims, &claims) != nil {
		return nil
	}
	parts := strings.Split(raw, ".")
	return &shown{
		Raw: raw, Head: parts[0], Payload: parts[1], Signature: parts[2], Header: indented(seen.Header), Claims: indented(seen.Claims),
		ID: claims.ID, Key: header.Kid, Session: claims.Session, Scope: claims.Scope,
		Issued: time.Unix(claims.Issued, 0), Expires: time.Unix(claims.Expires, 0),
	}
}

// Size is how many bytes travel.
func (s *shown) Size() int { return len(s.Raw) }

// halfway tells whether half of the token's life is over: time to renew it.
func (s *shown) halfway(now time.Time) bool {
	return now.After(s.Issued.Add(s.Expires.Sub(s.Issued) / 2))
}

func indented(text []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, text, "", "  ") != nil {
		return string(text)
	}
	return b.String()
}
