package facepage_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// forms are the routes that change something.
var forms = []string{
	"/session/login", "/session/logout", "/session/end-all", "/session/rotate", "/problem/1", "/problem/5", "/problem/6",
	"/reset", "/survey/enter", "/survey/answer", "/me",
}

// A071, A072, A073: another site's form, with whatever it says of itself, and a
// request that says nothing.
func TestA071FormsOfOtherSites(t *testing.T) {
	t.Parallel()
	s := open(t)
	ada := s.visitor().logIn(adasPassword)
	ada.get(ada.resetLink())
	host := strings.TrimPrefix(s.pages, "http://")
	for _, path := range forms {
		for name, change := range map[string]func(http.Header){
			"another site":     func(h http.Header) { h.Set("Origin", "https://elsewhere.example") },
			"null":             func(h http.Header) { h.Set("Origin", "null") },
			"a suffix of ours": func(h http.Header) { h.Set("Origin", s.pages+".elsewhere.example") },
			"another port":     func(h http.Header) { h.Set("Origin", "http://127.0.0.1:1") },
			"two origins":      func(h http.Header) { h.Add("Origin", "https://elsewhere.example") },
			"a cross-site one": func(h http.Header) { h.Del("Origin"); h.Set("Sec-Fetch-Site", "cross-site") },
			"a same-site one":  func(h http.Header) { h.Del("Origin"); h.Set("Sec-Fetch-Site", "same-site") },
			"another referrer": func(h http.Header) { h.Del("Origin"); h.Set("Referer", "https://elsewhere.example/"+host) },
			"nobody":           func(h http.Header) { h.Del("Origin") },
			"plain text":       func(h http.Header) { h.Set("Origin", "https://elsewhere.example"); h.Set("Content-Type", "text/plain") },
		} {
			req := ada.form(path, "username", "ada", "password", nextPassword)
			change(req.Header)
			if p := ada.straight(req); p.StatusCode != http.StatusForbidden {
				t.Errorf("%s from %s: %d", path, name, p.StatusCode)
			}
		}
	}
	ada.get("/").want("", "data-account", "1")
	s.visitor().logIn(adasPassword)
}

// A081 and A083: a login leads to one of our pages and to nothing else, and
// nothing is added to the address.
func TestA081WhereALoginLeads(t *testing.T) {
	t.Parallel()
	s := open(t)
	v := s.visitor()
	refresh := func(to string) *page {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.pages+"/session/renew?return_to="+url.QueryEscape(to), nil)
		s.must(err)
		return v.straight(req)
	}
	for to, want := range map[string]string{
		"/": "/", "/problem/3": "/problem/3", "": "/", "//elsewhere.example": "/", `/\elsewhere.example`: "/", "https:elsewhere.example": "/",
		"%2f%2felsewhere.example": "/", "/%09/elsewhere.example": "/", "/\t/elsewhere.example": "/", "http://127.0.0.1@elsewhere.example": "/",
		"data:text/html,x": "/", "javascript:alert(1)": "/", "/problem/3\r\nSet-Cookie: a=b": "/", "/problem/3/../../..": "/", "/problem/03": "/",
		s.pages + ".elsewhere.example": "/", s.pages + "/problem/3": "/", "/problem/10": "/", "/session/renew": "/", "/problem/3?x=y": "/", "/problem/3#x": "/",
	} {
		in := v.straight(v.form("/session/login", "username", "ada", "password", adasPassword, "return_to", to)).answered(http.StatusSeeOther)
		if got := in.Header.Get("Location"); got != want {
			t.Errorf("a login with return_to %q leads to %q, want %q", to, got, want)
		}
		if got := refresh(to).Header.Get("Location"); got != want+"?renewed=1" {
			t.Errorf("a renewal with return_to %q leads to %q, want %q", to, got, want)
		}
		v.want(to)
	}
}

// want demands that what did not lead to a page is not written into one.
func (v *visitor) want(to string) {
	v.Helper()
	p := v.get("/?return_to=" + url.QueryEscape(to))
	if got := attribute(p.element("name", "return_to"), "value"); got != "" && got != "/" && got != to {
		v.Errorf("the form has return_to %q for %q", got, to)
	}
}

// A067: a token in an address is no token, and is not written down.
func TestA067TokensInAddresses(t *testing.T) {
	t.Parallel()
	s := open(t)
	ada := s.visitor().logIn(adasPassword)
	token := ada.cookie("facepage", "/")
	stranger := s.visitor()
	for _, path := range []string{"/me?access_token=", "/me?token=", "/?facepage=", "/problem/1?token=", "/nothing/"} {
		stranger.get(path+token).want("", "data-account", "")
	}
	for part, lines := range s.logs {
		if strings.Contains(lines.String(), token[:40]) {
			t.Errorf("the %s wrote down what stood in an address", part)
		}
	}
}

// Another name that leads here is another site's (DNS rebinding).
func TestOnlyOurNames(t *testing.T) {
	t.Parallel()
	s := open(t)
	_, port, _ := strings.Cut(strings.TrimPrefix(s.pages, "http://"), ":")
	for host, want := range map[string]int{
		"127.0.0.1:" + port: http.StatusOK, "localhost:" + port: http.StatusOK,
		"elsewhere.example:" + port: http.StatusMisdirectedRequest, "127.0.0.1": http.StatusMisdirectedRequest, "127.0.0.1.elsewhere.example:" + port: http.StatusMisdirectedRequest,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.pages+"/", nil)
		s.must(err)
		req.Host = host
		s.visitor().send(req).answered(want)
	}
}

// The account server's own routes are for the web application.
func TestTheDeskIsNotForEverybody(t *testing.T) {
	t.Parallel()
	s := open(t)
	ada := s.visitor().logIn(adasPassword)
	for _, path := range []string{"mailbox", "keys", "calls", "accounts?account=1"} {
		for _, credential := range []string{"", "Bearer ", "Bearer " + ada.cookie("facepage", "/"), "Bearer " + follow, "Bearer " + back + "x"} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.issuer+"/facepage/"+path, nil)
			s.must(err)
			if credential != "" {
				req.Header.Set("Authorization", credential)
			}
			if p := ada.send(req).answered(http.StatusUnauthorized); strings.Contains(p.text, "ada") {
				t.Errorf("%s says %s", path, p.text)
			}
		}
	}
}

// Cookies that differ are nobody's, a token of another session opens nothing of
// the survey, and the visit of one browser shows nothing to another.
func TestCookiesThatAreNotOurs(t *testing.T) {
	t.Parallel()
	s := open(t)
	ada := s.visitor().logIn(adasPassword)
	ada.post("/problem/1").outcome("done", "")
	token := ada.cookie("facepage", "/")
	for name, header := range map[string]string{
		"two tokens":      "facepage=" + token + "; facepage=" + token + "x",
		"no token":        "facepage=null",
		"a refresh token": "facepage=" + ada.cookie("facepage-refresh", "/session"),
		"a made-up visit": "facepage-visit=AAAAAAAAAAAAAAAAAAAAAA",
		"altered":         "facepage=" + token[:len(token)-4] + "AAAA",
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.pages+"/problem/1", nil)
		s.must(err)
		req.Header.Set("Cookie", header)
		p := s.visitor().send(req).answered(http.StatusOK).want(name, "data-account", "")
		if strings.Contains(p.text, "data-token") {
			t.Errorf("%s: a stranger is shown a token", name)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.pages+"/survey", nil)
	s.must(err)
	req.Header.Set("Cookie", "facepage-survey=null")
	s.visitor().send(req).answered(http.StatusUnauthorized).outcome("refused", "malformed")
}

// Two people share a browser: whoever logs in is not shown what the one before
// did, and not the token with which it was done.
func TestTheNextVisitor(t *testing.T) {
	t.Parallel()
	s := open(t)
	v := s.visitor().logIn(adasPassword)
	v.post("/problem/1").outcome("done", "")
	token, visit := v.cookie("facepage", "/"), v.cookie("facepage-visit", "/")
	v.post("/session/logout").outcome("done", "")
	v.post("/session/login", "username", "grace", "password", "larch-copper-tide-77", "return_to", "/problem/1").want("", "data-account", "2")
	if strings.Contains(v.get("/problem/1").text, token[len(token)-20:]) {
		t.Error("Grace is shown Ada's token")
	}
	if visit == v.cookie("facepage-visit", "/") {
		t.Error("whoever knew the name of the visit before would be shown Grace's token")
	}
}
