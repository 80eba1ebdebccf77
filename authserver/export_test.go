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
