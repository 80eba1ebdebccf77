package jwt

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A Kind is the JOSE typ that tells one kind of token from another (RFC 8725
// §3.11).
type Kind string

// The kinds that more than one room speaks of.
const (
	KindAccess  Kind = "at+jwt"      // RFC 9068
	KindSession Kind = "session+jwt" // a keeper's token
)

// Claims is what a kind's claims type is: a struct that embeds Registered and
// names its Kind. Kind is asked of the zero value, too.
type Claims interface {
	Kind() Kind        // of the type, not of the value
	Base() *Registered // the embedded one
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

// wellFormed refuses claims that are absent or that two programs could read
// differently. Signer and Verifier both ask it.
func (r *Registered) wellFormed() error {
	switch {
	case r.Issuer == "":
		return refuse(BadClaim, "iss is missing")
	case !plainText(r.Subject):
		return refuse(BadClaim, "sub must be %s", plainTextRule)
	case len(r.Audience) == 0:
		return refuse(BadClaim, "aud is missing")
	case !plainText(r.ID):
		return refuse(BadClaim, "jti must be %s", plainTextRule)
	case r.SessionID != "" && !plainText(r.SessionID):
		return refuse(BadClaim, "sid must be %s", plainTextRule)
	case r.Expires == 0:
		return refuse(BadClaim, "exp is missing")
	case r.IssuedAt == 0:
		return refuse(BadClaim, "iat is missing")
	}
	return nil
}

const plainTextRule = "1 to 255 bytes without control characters or outer spaces"

func plainText(s string) bool {
	control := func(r rune) bool { return r < ' ' || r == 0x7f }
	return len(s) >= 1 && len(s) <= 255 && strings.TrimSpace(s) == s && !strings.ContainsFunc(s, control)
}

// Skew is how far in the future nbf and iat may lie: the clocks of issuer and
// verifier differ. An exp has no leeway.
const Skew = 60 * time.Second

// inTime asks whether the claims are good at now (RFC 7519 §4.1.4 to §4.1.6).
// A token is expired from the very second its exp names.
func (r *Registered) inTime(now time.Time) error {
	at, latest := Time(now.Unix()), Time(now.Add(Skew).Unix())
	switch {
	case r.Expires <= at:
		return refuse(Expired, "expired at %v", r.Expires.Time())
	case r.NotBefore > latest:
		return refuse(Early, "not before %v; is a clock wrong?", r.NotBefore.Time())
	case r.IssuedAt > latest:
		return refuse(Early, "issued at %v, in the future; is a clock wrong?", r.IssuedAt.Time())
	}
	return nil
}

// A Time is a point in time in whole seconds since 1970 (RFC 7519 §2,
// NumericDate). Zero means that there is none.
type Time int64

// maxTime is the last second of the year 9999: beyond it, date arithmetic
// somewhere overflows into the past.
const maxTime Time = 253402300799

// TimeOf returns the second that t lies in.
func TimeOf(t time.Time) Time { return Time(t.Unix()) }

// Time returns t in UTC.
func (t Time) Time() time.Time { return time.Unix(int64(t), 0).UTC() }

var errTime = refuse(BadClaim, "a time must be an integer number of seconds from 1 to %d", maxTime)

// MarshalJSONTo writes what UnmarshalJSONFrom would read.
func (t Time) MarshalJSONTo(enc *jsontext.Encoder) error {
	if t < 1 || t > maxTime {
		return errTime
	}
	return enc.WriteToken(jsontext.Int(int64(t)))
}

// UnmarshalJSONFrom reads an integer from 1 to the end of the year 9999. A
// fraction, an exponent, a string and null are refused.
func (t *Time) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	value, err := dec.ReadValue()
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil || n < 1 || Time(n) > maxTime {
		return errTime
	}
	*t = Time(n)
	return nil
}

// An Audience is one audience, written as a string, or several as an array.
type Audience []string

var errAudience = refuse(BadClaim, "aud must be a string or an array of strings, none of them empty")

// MarshalJSONTo writes a single audience as a string (RFC 7519 §4.1.3).
func (a Audience) MarshalJSONTo(enc *jsontext.Encoder) error {
	if len(a) == 0 || slices.Contains(a, "") {
		return errAudience
	}
	if len(a) == 1 {
		return enc.WriteToken(jsontext.String(a[0]))
	}
	return json.MarshalEncode(enc, []string(a))
}

// UnmarshalJSONFrom reads a string or an array of strings, none of them empty.
func (a *Audience) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var err error
	switch dec.PeekKind() {
	case '"':
		*a = make(Audience, 1)
		err = json.UnmarshalDecode(dec, &(*a)[0])
	case '[':
		err = json.UnmarshalDecode(dec, (*[]string)(a)) // null becomes an empty string
	default:
		return errAudience
	}
	if err == nil && (len(*a) == 0 || slices.Contains(*a, "")) {
		return errAudience
	}
	return err
}
