package jotkeeper

import (
	"crypto/subtle"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// A Carrier is how requests carry a token: in the Authorization header or in a
// cookie. An Auth has one of its own; it is exported for programs that read
// tokens by other means, as package keeper does. It is read, never changed, and
// so safe for concurrent use.
type Carrier struct {
	Cookie  Cookie   // the zero value is __Host-jotkeeper
	Origins []string // further web origins whose pages may change something with the cookie

	// CSRF returns the secret that the page behind a token was given, and "" when
	// the token does not hold or has none. If it is set, a request that nothing
	// tells of where it comes from may echo that secret in X-CSRF-Token.
	CSRF func(r *http.Request, token string) string
}

// Check fails with ErrConfig on a Carrier that browsers would not keep, or that
// would trust what is no origin.
func (c *Carrier) Check() error {
	for _, o := range c.Origins {
		u, err := url.Parse(o)
		if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.Scheme+"://"+u.Host != o {
			return fmt.Errorf("%w: Origins: %q is not an origin such as https://app.example.com", ErrConfig, o)
		}
	}
	return c.Cookie.check()
}

// Read returns the token of the Authorization header and the token of the
// cookie, each "" if there is none. It refuses a request that cannot be read in
// one way only (malformed_request, ambiguous), and one that may change something
// with nothing but the cookie to speak for it (csrf). The error answers to
// jwt.ReasonOf.
func (c *Carrier) Read(r *http.Request) (header, cookie string, err error) {
	if header, err = bearer(r); err != nil {
		return "", "", err
	}
	switch cookie, err = c.Cookie.read(r); {
	case err != nil:
		return "", "", err
	case cookie == "" || header != "" || c.SameOrigin(r) || c.echoed(r, cookie):
		return header, cookie, nil
	}
	return "", "", &jwt.Error{Reason: jwt.CSRF, Detail: "a state-changing request with the cookie, not from a trusted origin"}
}

// Personal marks an answer that depends on who asks: no shared cache may keep
// it. The two values share an allocation, since every request makes them.
func (*Carrier) Personal(w http.ResponseWriter) {
	h := w.Header()
	values := [...]string{"no-store", "Authorization, Cookie"}
	h["Cache-Control"] = values[0:1:1]
	switch vary := h["Vary"]; {
	case vary == nil:
		h["Vary"] = values[1:2:2]
	case !slices.Contains(vary, values[1]):
		h.Add("Vary", values[1])
	}
}

// bearer reads the Authorization header: one header, one scheme in any case
// (RFC 9110 §11.1), one space, one token. Another scheme is not ours to judge.
func bearer(r *http.Request) (string, error) {
	values := r.Header["Authorization"] // net/http has the names in this spelling
	if len(values) == 0 {
		return "", nil
	}
	if len(values) > 1 {
		return "", malformed("more than one Authorization header")
	}
	scheme, text, spaced := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", nil
	}
	if !spaced || text == "" || containsAny(text, ' ', '\t', ',') {
		return "", malformed("Authorization is not \"Bearer\", one space, one token")
	}
	return text, nil
}

// echoed tells whether the page knows the secret of its token. It is asked only
// about a request that says nothing of where it comes from: what a browser says
// decides, for better or worse.
func (c *Carrier) echoed(r *http.Request, text string) bool {
	echo := r.Header["X-Csrf-Token"]
	if c.CSRF == nil || len(echo) != 1 || echo[0] == "" || !silent(r) {
		return false
	}
	return subtle.ConstantTimeCompare([]byte(echo[0]), []byte(c.CSRF(r, text))) == 1
}

func malformed(detail string) error {
	return &jwt.Error{Reason: jwt.MalformedRequest, Detail: detail}
}

// containsAny is strings.ContainsAny with a vector instruction for each byte: a
// token is long, and this is asked of every request.
func containsAny(text string, bytes ...byte) bool {
	for _, b := range bytes {
		if strings.IndexByte(text, b) >= 0 {
			return true
		}
	}
	return false
}
