package facepage_test

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// A visitor is somebody with a browser that knows no JavaScript.
type visitor struct {
	*stage
	http *http.Client
	went []string // every address that an answer sent it to
}

func (s *stage) visitor() *visitor {
	s.Helper()
	jar, err := cookiejar.New(nil)
	s.must(err)
	v := &visitor{stage: s, http: &http.Client{Jar: jar, Transport: &http.Transport{}}}
	v.http.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		v.went = append(v.went, r.URL.String())
		return nil
	}
	s.Cleanup(v.http.CloseIdleConnections)
	return v
}

// A page is an answer, read.
type page struct {
	testing.TB
	*http.Response
	text string
}

func (v *visitor) get(address string) *page {
	v.Helper()
	if strings.HasPrefix(address, "/") {
		address = v.pages + address
	}
	req, err := http.NewRequestWithContext(v.Context(), http.MethodGet, address, nil)
	v.must(err)
	return v.send(req)
}

// post sends a form from one of Facepage's own pages, whatever the header says.
func (v *visitor) post(path string, fields ...string) *page {
	v.Helper()
	return v.send(v.form(path, fields...))
}

func (v *visitor) form(path string, fields ...string) *http.Request {
	v.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	req, err := http.NewRequestWithContext(v.Context(), http.MethodPost, v.pages+path, strings.NewReader(form.Encode()))
	v.must(err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", v.pages)
	return req
}

func (v *visitor) send(req *http.Request) *page {
	v.Helper()
	res, err := v.http.Do(req)
	v.must(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	v.must(err)
	return &page{v.T, res, string(text)}
}

// straight sends a request and follows no redirect.
func (v *visitor) straight(req *http.Request) *page {
	v.Helper()
	follow := v.http.CheckRedirect
	defer func() { v.http.CheckRedirect = follow }()
	v.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return v.send(req)
}

const adasPassword = "moss-kettle-orbit-42"

func (v *visitor) logIn(password string) *visitor {
	v.Helper()
	v.post("/session/login", "username", "ada", "password", password).want("", "data-account", "1")
	return v
}

// cookie returns one of the visitor's cookies for a path.
func (v *visitor) cookie(name, path string) string {
	v.Helper()
	at, err := url.Parse(v.pages + path)
	v.must(err)
	for _, c := range v.http.Jar.Cookies(at) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// mail returns the links in the mailbox, newest first.
func (v *visitor) mail(kind, page string) []string {
	v.Helper()
	var links []string
	for _, m := range regexp.MustCompile(`class="mail-link" href="([^"]*)"[^>]*data-mail="`+kind+`"`).FindAllStringSubmatch(v.get(page).text, -1) {
		links = append(links, html.UnescapeString(m[1]))
	}
	return links
}

// element finds the start tag that has an attribute of a value, "" of any.
func (p *page) element(attribute, value string) string {
	pattern := `<[a-z0-9]+[^>]* ` + attribute + `="` + regexp.QuoteMeta(html.EscapeString(value)) + `"[^>]*>`
	if value == "" {
		pattern = `<[a-z0-9]+[^>]* ` + attribute + `="[^>]*>`
	}
	return regexp.MustCompile(pattern).FindString(p.text)
}

func attribute(tag, name string) string {
	m := regexp.MustCompile(` ` + name + `="([^"]*)"`).FindStringSubmatch(tag)
	if m == nil {
		return ""
	}
	return html.UnescapeString(m[1])
}

// fact returns a figure that an act measured.
func (p *page) fact(name string) string {
	return attribute(p.element("data-fact", name), "data-value")
}

// want demands a value of an attribute of the first element that has it; what
// says which, when it is not the outcome.
func (p *page) want(what, name, value string) *page {
	p.Helper()
	if got := attribute(p.element(name, ""), name); got != value {
		p.Errorf("%s %s%s is %q, want %q:\n%s", p.Request.URL.Path, what, name, got, value, said(p.text))
	}
	return p
}

// outcome demands how an act ended.
func (p *page) outcome(outcome, reason string) *page {
	p.Helper()
	tag := p.element("data-outcome", "")
	if got, why := attribute(tag, "data-outcome"), attribute(tag, "data-reason"); got != outcome || why != reason {
		p.Errorf("%s: %q %q, want %q %q:\n%s", p.Request.URL.Path, got, why, outcome, reason, said(p.text))
	}
	return p
}

// answered demands a status.
func (p *page) answered(status int) *page {
	p.Helper()
	if p.StatusCode != status {
		p.Errorf("%s answered %d, want %d: %s", p.Request.URL.Path, p.StatusCode, status, said(p.text))
	}
	return p
}

// said is the sentence of a page, for messages.
func said(text string) string {
	m := regexp.MustCompile(`(?s)class="said"[^>]*>(.*?)</p>`).FindStringSubmatch(text)
	if m == nil {
		return text[:min(len(text), 600)]
	}
	return m[1]
}
