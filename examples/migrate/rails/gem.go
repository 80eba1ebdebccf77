package rails

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/jotkeeper/jotkeeper/binding"
	"github.com/jotkeeper/jotkeeper/jwt"
)

// A Gem reads tokens of JWT Keeper.
type Gem struct {
	Reader binding.InsecureHMACSuffix
	Claim  string // the private claim that holds the account's ID, a number or a string
}

// Read takes a token with the secret in its cookie, if there is one.
func (g Gem) Read(now time.Time, r *http.Request, raw string) (Former, error) {
	secret, err := cookieSecret(r)
	if err != nil {
		return Former{}, err
	}
	c, err := g.Reader.Verify(now, raw, secret)
	if jwt.ReasonOf(err) == jwt.Signature && secret != "" && g.Reader.Lock != binding.Required {
		// The gem writes its cookie once for a browser: a stale one must not shut
		// out a token that is not locked.
		secret = ""
		c, err = g.Reader.Verify(now, raw, secret)
	}
	if err != nil {
		return Former{}, err
	}
	account := text(c.Private[g.Claim])
	if account == "" {
		return Former{}, &jwt.Error{Reason: jwt.BadClaim, Detail: "no " + g.Claim}
	}
	return Former{ID: c.ID, Account: account, Locked: secret != ""}, nil
}

// text returns a JSON string, or a number as it is spelt; else nothing.
func text(value []byte) string {
	var s string
	if json.Unmarshal(value, &s) == nil {
		return s
	}
	if whole.Match(value) {
		return string(value)
	}
	return ""
}

var (
	whole  = regexp.MustCompile(`^[1-9][0-9]{0,18}$`)
	inner  = regexp.MustCompile(`"message":"([A-Za-z0-9+/=]+)"`)
	secret = regexp.MustCompile(`(?:^|[^0-9a-f])([0-9a-f]{32})(?:[^0-9a-f]|$)`)
)

// cookieSecret finds the 32 characters in what Rails signed, in each envelope that
// its releases put around a cookie. Whether Rails signed it is not asked: the
// token's own signature holds with the right secret only.
func cookieSecret(r *http.Request) (string, error) {
	cookies := r.CookiesNamed("jwt_keeper")
	switch len(cookies) {
	case 0:
		return "", nil
	case 1:
	default:
		return "", errTwo
	}
	value, err := url.QueryUnescape(cookies[0].Value)
	if err != nil {
		return "", nil
	}
	signed, _, _ := strings.Cut(value, "--")
	outer := decode(signed)
	if m := inner.FindSubmatch(outer); m != nil {
		outer = decode(string(m[1]))
	}
	if m := secret.FindSubmatch(outer); m != nil {
		return string(m[1]), nil
	}
	return "", nil
}

func decode(s string) []byte {
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "="))
	if err != nil {
		return nil
	}
	return b
}
