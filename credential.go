package jotkeeper

import (
	"mime"
	"net/http"
	"net/url"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// maxForm bounds the body that is read to find a token, in bytes.
const maxForm = 64 << 10

// carried is what a request carries: at most one token from each place.
type carried struct {
	list [4]string
	n    int
}

// add notes a token, each text once.
func (c *carried) add(text string) {
	for i := range c.n {
		if c.list[i] == text {
			return
		}
	}
	c.list[c.n] = text
	c.n++
}

// credentials finds the request's tokens, the header's first. Without an error
// there is at least one.
func (a *Auth) credentials(r *http.Request, rt *route) (carried, error) {
	var found carried
	header, cookie, err := a.carrier.Read(r)
	if err != nil {
		return found, err
	}
	if header != "" {
		found.add(header)
	}
	if err := fromRoute(r, rt, &found); err != nil {
		return found, err
	}
	if cookie != "" {
		found.add(cookie)
	}
	if found.n == 0 {
		return found, &jwt.Error{Reason: jwt.Missing, Detail: "no token in the request"}
	}
	return found, nil
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
		found.add(values[0])
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
