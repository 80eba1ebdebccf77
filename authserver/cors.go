package authserver

import (
	"net/http"
	"slices"
	"strings"

	"github.com/jotkeeper/jotkeeper/internal/problem"
)

// mayAsk are the headers that a page of a trusted origin may send.
var mayAsk = []string{"authorization", "content-type"}

// share lets pages of a trusted origin read the answer. Private routes are
// never shared: no page has the administrator's password.
func (s *server) share(c *call, r route) bool {
	header := c.r.Header.Get("Origin")
	o, ok := parseOrigin(header)
	if !ok || r.guard == "private" || !s.sites.trusts(o) {
		return false
	}
	h := c.w.Header()
	h.Set("Access-Control-Allow-Origin", header)
	h.Set("Access-Control-Allow-Credentials", "true")
	h.Set("Access-Control-Expose-Headers", "Jotkeeper-Renew, Retry-After, WWW-Authenticate, X-Request-Id")
	return true
}

// preflight answers a browser that asks whether a page may send a request. It
// looks at nothing but the question.
func (s *server) preflight(c *call, verbs map[string]route) {
	asked := c.r.Header.Get("Access-Control-Request-Method")
	r, ok := verbs[asked]
	switch {
	case asked == "":
		c.w.Header().Set("Allow", allowed(verbs))
		c.w.WriteHeader(http.StatusNoContent)
	case !ok || !headersAllowed(c.r) || !s.share(c, r):
		s.fail(c, refuse(problem.Code("origin")))
	default:
		h := c.w.Header()
		h.Set("Access-Control-Allow-Methods", asked)
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
		h.Set("Access-Control-Max-Age", "600")
		h.Set("Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
		c.w.WriteHeader(http.StatusNoContent)
	}
}

func headersAllowed(r *http.Request) bool {
	for _, name := range strings.Split(r.Header.Get("Access-Control-Request-Headers"), ",") {
		if name = strings.ToLower(strings.TrimSpace(name)); name != "" && !slices.Contains(mayAsk, name) {
			return false
		}
	}
	return true
}
