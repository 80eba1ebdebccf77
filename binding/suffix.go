package binding

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// ErrEnded is wrapped by each refusal after Until.
var ErrEnded = errors.New("binding: the migration has ended")

// An InsecureHMACSuffix reads tokens of the Ruby gem JWT Keeper, while its users
// move: HMAC tokens whose key is the application's secret with the cookie's
// secret behind it, nothing between. It is insecure because whoever can read
// them can make them, and because the two secrets are only concatenated. It
// signs nothing. It never prints, and may be used by many goroutines.
type InsecureHMACSuffix struct {
	Secret    []byte        // required: the gem's secret, at least 32 bytes of it
	Until     time.Time     // required: from here on everything is refused
	Algorithm jwt.Algorithm // HS512 when empty, as in the gem; or HS256, HS384
	Issuer    string        // the gem's issuer; empty: tokens must have no iss
	Audience  []string      // the gem's audience, one is enough; empty: tokens must have no aud
	Lock      Policy        // Required: a token must come with its cookie's secret

	// InsecureShortSecret takes a Secret below 32 bytes. One that people
	// thought of is guessed from a single token, offline.
	InsecureShortSecret bool
}

// Verify returns the claims of raw, if the gem signed it and it is good at now.
// cookieSecret is what the gem's cookie jwt_keeper held, without the signature
// of Rails; empty when there is none. It is never a part of what is missing in
// Secret: it has its one length or is not taken.
//
// A refusal is a *jwt.Error: key and ErrEnded after Until, binding for a cookie
// that is none, and as from jwt.Verifier otherwise; a token without the secret
// of its own cookie has a wrong signature. jwt.ErrKey and jwt.ErrConfig are for
// the operator.
func (s InsecureHMACSuffix) Verify(now time.Time, raw, cookieSecret string) (*jwt.LegacyClaims, error) {
	switch {
	case s.Until.IsZero():
		return nil, fmt.Errorf("%w: Until is missing: say when the last of the gem's tokens will have expired", jwt.ErrConfig)
	case !now.Before(s.Until):
		return nil, &jwt.Error{Reason: jwt.BadKey, Err: ErrEnded,
			Detail: "the gem's tokens were taken until " + s.Until.UTC().Format(time.RFC3339) + ": log in again; whoever runs this can move Until, or remove it"}
	case len(s.Secret) == 0 || len(s.Secret) < minSecret && !s.InsecureShortSecret:
		return nil, fmt.Errorf("%w: the gem's secret has %d bytes, below %d it is guessed: set InsecureShortSecret if you must", jwt.ErrKey, len(s.Secret), minSecret)
	case cookieSecret == "" && s.Lock == Required:
		return nil, errUnlocked
	case cookieSecret != "" && !hex16(cookieSecret):
		return nil, errLock
	}
	v := jwt.InsecureHMAC{Algorithm: s.Algorithm, Issuer: s.Issuer, Audience: s.Audience}
	if v.Algorithm == "" {
		v.Algorithm = jwt.HS512
	}
	key := append(append([]byte(nil), s.Secret...), cookieSecret...)
	return v.Verify(now, key, raw)
}

const minSecret = 32

// hex16 reports whether s is what the gem makes: 16 bytes in lower-case hex. Any
// other length would let a client move bytes between the two secrets.
func hex16(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return len(s) == 32
}

// Format prints what it is, whatever the verb, and no secret.
func (s InsecureHMACSuffix) Format(f fmt.State, _ rune) {
	io.WriteString(f, "a reader of JWT Keeper's tokens")
}

// MarshalJSON refuses: it holds a secret.
func (s InsecureHMACSuffix) MarshalJSON() ([]byte, error) {
	return nil, fmt.Errorf("%w: a secret is not written as JSON", jwt.ErrKey)
}
