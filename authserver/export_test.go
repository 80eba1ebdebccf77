package authserver

import (
	"net/http/httptest"
	"strings"
)

// Audience returns the audience of an origin that the list trusts, else "".
func Audience(issuer string, listed []string, header string) (string, error) {
	all, err := parseSites(issuer, listed)
	if err != nil {
		return "", err
	}
	if o, ok := parseOrigin(header); ok && all.trusts(o) {
		return o.audience(), nil
	}
	return "", nil
}

// A Line is one line of the route table.
type Line struct {
	Method, Pattern, Guard string
	Changes, Compatible    bool
}

// Table returns the route table.
func Table() []Line {
	var all []Line
	for _, r := range (&server{}).table() {
		all = append(all, Line{r.method, r.pattern, r.guard, r.effect == changes, r.compatible})
	}
	return all
}

// ReadBody reads a body as a route would and returns its texts.
func ReadBody(kind, text string) (map[string]string, bool) {
	r := httptest.NewRequest("POST", "/", strings.NewReader(text))
	r.Header.Set("Content-Type", kind)
	p, err := readParams(httptest.NewRecorder(), r)
	return p.text, err == nil
}
