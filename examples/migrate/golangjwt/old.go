// Package golangjwt moves a program from tokens that it made by hand with
// golang-jwt to those of an auth server, beside each other until a date.
package golangjwt

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Old says which tokens of the old system are taken. Everything but KeyID is
// required: a token without exp, or for somebody else, was a fault of old.
type Old struct {
	Algorithm string    // the one that the old program signed with: HS256 or RS256
	Key       any       // []byte for HS256, *rsa.PublicKey for RS256
	KeyID     string    // kid, if the old program wrote one
	Issuer    string    // iss
	Audience  string    // aud
	Until     time.Time // from here on nothing old is taken: the switch and an old token's life
}

// A Person is who asks, whichever token said so.
type Person struct {
	Account string
	Scopes  []string
}

// errOld is every refusal of an old token; its client logs in at the new place.
var errOld = errors.New("not a good token of the old system")

type reader struct {
	Old
	header string
	parser *jwt.Parser
}

// newReader refuses an Old that would check too little, or would let a public
// key be a secret.
func newReader(o Old, now func() time.Time) (*reader, error) {
	_, secret := o.Key.([]byte)
	switch {
	case o.Issuer == "" || o.Audience == "" || o.Key == nil || o.Until.IsZero():
		return nil, errors.New("golangjwt: without Key, Issuer, Audience and Until an Old would take too much")
	case secret != (o.Algorithm == "HS256") || !slices.Contains([]string{"HS256", "RS256"}, o.Algorithm):
		return nil, fmt.Errorf("golangjwt: a key of type %T does not go with %q", o.Key, o.Algorithm)
	}
	fields := map[string]string{"alg": o.Algorithm, "typ": "JWT"}
	if o.KeyID != "" {
		fields["kid"] = o.KeyID
	}
	header, err := json.Marshal(fields) // sorted, as golang-jwt writes it
	if err != nil {
		return nil, err
	}
	return &reader{o, base64.RawURLEncoding.EncodeToString(header) + ".", jwt.NewParser(
		jwt.WithValidMethods([]string{o.Algorithm}), jwt.WithStrictDecoding(), jwt.WithTimeFunc(now),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithIssuer(o.Issuer), jwt.WithAudience(o.Audience),
	)}, nil
}

// read returns who an old token speaks of. Its header is compared as it stands,
// never asked: there is one way to check a token, and the token has no say in it.
func (o *reader) read(now time.Time, raw string) (Person, error) {
	if !now.Before(o.Until) || !strings.HasPrefix(raw, o.header) {
		return Person{}, errOld
	}
	var c oldClaims
	if _, err := o.parser.ParseWithClaims(raw, &c, func(*jwt.Token) (any, error) { return o.Key, nil }); err != nil {
		return Person{}, errOld
	}
	return c.person()
}

// oldClaims are what the old program wrote.
type oldClaims struct {
	jwt.RegisteredClaims
	UserID int64  `json:"user_id"`
	Role   string `json:"role"`
}

// person says in new words what the old claims meant. A role that nobody wrote
// down here gives no right.
func (c oldClaims) person() (Person, error) {
	if c.UserID <= 0 {
		return Person{}, errOld
	}
	p := Person{Account: fmt.Sprint(c.UserID)}
	if c.Role == "admin" {
		p.Scopes = []string{"pay"}
	}
	return p, nil
}
