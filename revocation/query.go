package revocation

import (
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// QueryOf returns what the rules are asked about a verified access token that
// was signed under the key kid.
//
// A rev claim that is not a cursor counts as the oldest one: the token is
// genuine, but what it says of its age is worth nothing, so every rule that
// could match it does.
func QueryOf(c *jwt.Access, kid string) Query {
	q := Query{
		Issuer: c.Issuer, ID: c.ID, SessionID: c.SessionID,
		Subject: c.Subject, Tenant: c.Tenant, KeyID: kid,
		IssuedAt: time.Unix(int64(c.IssuedAt), 0),
	}
	if q.HasRev = c.Revision != ""; q.HasRev {
		q.Rev, _ = parseCursor(c.Revision)
	}
	return q
}
