package authserver

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
