package jotkeeper

import (
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// maxForm bounds the body that is read to find a token, in bytes.
const maxForm = 64 << 10

// credential is a token as the request carries it.
type credential struct {
	text string
	from string // header, cookie, form, query
}

// carried is what a request carries: at most one token from each place.
type carried struct {
	list [4]credential
	n    int
}

// add notes a token, each text once.
func (c *carried) add(text, from string) {
	for i := range c.n {
		if c.list[i].text == text {
			return
		}
	}
	c.list[c.n] = credential{text, from}
	c.n++
}

// credentials finds the request's tokens, the header's first. Without an error
// there is at least one.
func (a *Auth) credentials(r *http.Request, rt *route) (carried, error) {
	var found carried
	text, ok, err := bearer(r)
	if err != nil {
		return found, err
	}
	if ok {
		found.add(text, "header")
	}
	if err := fromRoute(r, rt, &found); err != nil {
		return found, err
	}
	if err := a.fromCookie(r, ok, &found); err != nil {
		return found, err
	}
	if found.n == 0 {
		return found, &jwt.Error{Reason: jwt.Missing, Detail: "no token in the request"}
	}
	return found, nil
}

// bearer reads the Authorization header: one header, one scheme in any case
// (RFC 9110 §11.1), one space, one token. Another scheme is not ours to judge.
func bearer(r *http.Request) (string, bool, error) {
	values := r.Header["Authorization"] // net/http has the names in this spelling
	if len(values) == 0 {
		return "", false, nil
	}
	if len(values) > 1 {
		return "", false, malformed("more than one Authorization header")
	}
	scheme, text, spaced := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", false, nil
	}
	if !spaced || text == "" || containsAny(text, ' ', '\t', ',') {
		return "", false, malformed("Authorization is not \"Bearer\", one space, one token")
	}
	return text, true, nil
}

// fromRoute looks where the route's options allow it.
func fromRoute(r *http.Request, rt *route, found *carried) error {
	if rt.formField != "" && isForm(r) {
		form, err := postForm(r)
		if err != nil {
			return err
		}
		if err := single(form[rt.formField], "form", found); err != nil {
			return err
		}
	}
	if rt.queryParam == "" {
		return nil
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return malformed("the query cannot be read")
	}
	return single(query[rt.queryParam], "query", found)
}

func single(values []string, from string, found *carried) error {
	if len(values) > 1 {
		return malformed("more than one token in the " + from)
	}
	if len(values) == 1 {
		found.add(values[0], from)
	}
	return nil
}

func isForm(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && r.Method == http.MethodPost && kind == "application/x-www-form-urlencoded"
}

// postForm parses the body, and leaves the form with the request for the app.
func postForm(r *http.Request) (url.Values, error) {
	if r.PostForm == nil {
		r.Body = http.MaxBytesReader(nil, r.Body, maxForm)
		if err := r.ParseForm(); err != nil {
			return nil, malformed("the form cannot be read")
		}
	}
	return r.PostForm, nil
}

// fromCookie reads the cookie, and holds the request against forgery by other
// sites when nothing but the cookie speaks for it.
func (a *Auth) fromCookie(r *http.Request, haveHeader bool, found *carried) error {
	texts := a.config.Cookie.read(r)
	if len(texts) == 0 {
		return nil
	}
	if len(texts) > 1 {
		return &jwt.Error{Reason: jwt.Ambiguous, Detail: "the cookie is there more than once, with different values"}
	}
	if !haveHeader && !a.sameOrigin(r) {
		return &jwt.Error{Reason: jwt.CSRF, Detail: "a state-changing request with the cookie, not from a trusted origin"}
	}
	found.add(texts[0], "cookie")
	return nil
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
