package keeper

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/jotkeeper/jotkeeper/internal/problem"
	"github.com/jotkeeper/jotkeeper/jwt"
)

// returnTo is the parameter that says where a person wanted to go.
const returnTo = "return_to"

// ReturnTo returns the page that a person wanted before LoginPage sent them to
// log in: a path of this site, "/" when r names none in its URL or in a form that
// was parsed. Whatever r says, it is safe to redirect to.
func ReturnTo(r *http.Request) string {
	for _, to := range []string{r.URL.Query().Get(returnTo), r.PostForm.Get(returnTo)} {
		if local(to) {
			return to
		}
	}
	return "/"
}

// page tells whether a person waits for a page, and a login would give it.
func (g *guard) page(r *http.Request, err error) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	if problem.Status(problem.Code(jwt.ReasonOf(err))) != http.StatusUnauthorized || r.URL.Path == g.login {
		return false
	}
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return r.Header.Get("Authorization") == "" && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// toLogin sends a person to log in and, afterwards, back.
func toLogin(w http.ResponseWriter, r *http.Request, login string) {
	to := r.URL.RequestURI()
	// What may be a token in the URL goes no further (row A083): each begins so.
	if !local(to) || strings.Contains(to, "eyJ") {
		to = "/"
	}
	w.Header().Set("Location", login+"?"+url.Values{returnTo: {to}}.Encode())
	w.WriteHeader(http.StatusSeeOther)
}

// local tells whether a browser takes to for a page of this site, under every
// reading of slashes, escapes and control characters.
func local(to string) bool {
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") {
		return false
	}
	for _, text := range []string{to, u.Path} {
		if strings.ContainsFunc(text, control) {
			return false
		}
	}
	return !strings.Contains(to, `\`) && !strings.Contains(u.Path, `\`) && !strings.Contains(u.Path, "//")
}

func control(c rune) bool { return c < ' ' || c == 0x7f }

// plainPath is a path without what may follow it.
func plainPath(path string) string {
	return strings.TrimRight(strings.SplitN(strings.SplitN(path, "?", 2)[0], "#", 2)[0], " ")
}
