package rails

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	gojwt "github.com/golang-jwt/jwt/v5"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// A Knock reads tokens of Knock that were signed with HS256. It is written with
// golang-jwt: these tokens have no jti and no iat, and their sub is a number, all
// of which package jwt refuses, with InsecureHMAC too.
type Knock struct {
	Secret   []byte    // required: Knock.token_secret_signature_key, at least 32 bytes
	Audience string    // Knock.token_audience; empty: tokens must have no aud
	Until    time.Time // required: from here on everything is refused

	// InsecureNoExpiry takes tokens without exp, which Knock writes when its
	// token_lifetime is nil. Until is then the only end that they have.
	InsecureNoExpiry bool
}

// Read takes a token whose header is one of the two that Knock writes.
func (k Knock) Read(now time.Time, _ *http.Request, raw string) (Former, error) {
	header, _, _ := strings.Cut(raw, ".")
	switch {
	case len(k.Secret) < 32 || k.Until.IsZero():
		return Former{}, errors.New("rails: Knock needs a Secret of 32 bytes and an Until")
	case !now.Before(k.Until):
		return Former{}, &jwt.Error{Reason: jwt.BadKey, Detail: "the old tokens were taken until " + k.Until.UTC().Format(time.RFC3339)}
	case !slices.Contains(knockHeaders, header):
		return Former{}, &jwt.Error{Reason: jwt.Header, Detail: "not a token of Knock"}
	}
	claims := gojwt.MapClaims{}
	if _, err := k.parser(now).ParseWithClaims(raw, claims, func(*gojwt.Token) (any, error) { return k.Secret, nil }); err != nil {
		return Former{}, k.reason(err)
	}
	account := subject(claims["sub"])
	if _, has := claims["aud"]; account == "" || has != (k.Audience != "") {
		return Former{}, &jwt.Error{Reason: jwt.BadClaim, Detail: "no sub, or an aud where there is none"}
	}
	id := sha256.Sum256([]byte(raw)) // HMAC in strict base64url: one token has one spelling
	return Former{ID: base64.RawURLEncoding.EncodeToString(id[:]), Account: account}, nil
}

var knockHeaders = []string{
	base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256"}`)),
	base64.RawURLEncoding.EncodeToString([]byte(`{"typ":"JWT","alg":"HS256"}`)),
}

func (k Knock) parser(now time.Time) *gojwt.Parser {
	options := []gojwt.ParserOption{gojwt.WithValidMethods([]string{"HS256"}), gojwt.WithStrictDecoding(),
		gojwt.WithJSONNumber(), gojwt.WithTimeFunc(func() time.Time { return now })}
	if k.Audience != "" {
		options = append(options, gojwt.WithAudience(k.Audience))
	}
	if !k.InsecureNoExpiry {
		options = append(options, gojwt.WithExpirationRequired())
	}
	return gojwt.NewParser(options...)
}

func (k Knock) reason(err error) error {
	reason := jwt.Signature
	switch {
	case errors.Is(err, gojwt.ErrTokenExpired):
		reason = jwt.Expired
	case errors.Is(err, gojwt.ErrTokenInvalidClaims):
		reason = jwt.BadClaim
	}
	return &jwt.Error{Reason: reason, Detail: "not a good token of Knock", Err: err}
}

// subject returns the account: Knock writes the primary key, a number or a UUID.
func subject(sub any) string {
	switch v := sub.(type) {
	case json.Number:
		return text([]byte(v))
	case string:
		return v
	}
	return ""
}
