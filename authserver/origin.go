package authserver

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// An origin is where a page was loaded from: scheme, host and port, all three
// (RFC 6454 §4). The port is always spelt out.
type origin struct{ scheme, host, port string }

var defaultPorts = map[string]string{"http": "80", "https": "443"}

// parseOrigin reads an Origin header strictly: what a browser would not have
// serialised so is no origin. "null" is none either.
func parseOrigin(s string) (origin, bool) {
	o, ok := originOf(s)
	return o, ok && o.String() == s
}

// originOf takes the origin out of a URL, such as a Referer.
func originOf(s string) (origin, bool) {
	u, err := url.Parse(s)
	if err != nil || u.User != nil || u.Opaque != "" || u.Hostname() == "" || defaultPorts[u.Scheme] == "" {
		return origin{}, false
	}
	o := origin{u.Scheme, strings.ToLower(u.Hostname()), u.Port()}
	if o.port == "" {
		o.port = defaultPorts[o.scheme]
	}
	return o, true
}

// audience is the host, with its port unless that is the scheme's own: the aud
// of tokens for pages of this origin.
func (o origin) audience() string {
	host := o.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if o.port == defaultPorts[o.scheme] {
		return host
	}
	return host + ":" + o.port
}

func (o origin) String() string { return o.scheme + "://" + o.audience() }

func (o origin) loopback() bool { return isLoopback(o.host) }

// isLoopback reports whether a host name is this machine and can be nothing
// else: names other than localhost are the resolver's to say, so they are not.
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// A site is one entry of the list of trusted origins.
type site struct {
	schemes  []string
	host     string // lower case
	wildcard bool   // host is what follows "*."
	port     string // empty: the scheme's own, or any on this machine
}

// parseSite reads one entry: [scheme://]host[:port], where the first label of
// the host may be "*". Without a scheme only https is trusted, except for this
// machine itself.
func parseSite(entry string) (site, error) {
	refuse := func(why string) (site, error) {
		return site{}, fmt.Errorf("app domain %q: %s; write host, host:port or scheme://host:port", entry, why)
	}
	scheme, rest, found := strings.Cut(strings.TrimSpace(entry), "://")
	if !found {
		scheme, rest = "", scheme
	}
	if scheme != "" && defaultPorts[scheme] == "" {
		return refuse("the scheme is neither http nor https")
	}
	host, port, err := splitHost(rest)
	if err != nil {
		return refuse(err.Error())
	}
	s := site{host: strings.ToLower(host), port: port, schemes: []string{"https"}}
	s.host, s.wildcard = strings.CutPrefix(s.host, "*.")
	if s.host == "" || strings.ContainsAny(s.host, "*/?#@ \\%") || s.wildcard && !strings.Contains(s.host, ".") {
		return refuse("the host is not a name")
	}
	switch {
	case scheme != "":
		s.schemes = []string{scheme}
	case isLoopback(s.host):
		s.schemes = []string{"http", "https"}
	}
	return s, nil
}

func splitHost(s string) (host, port string, err error) {
	if bare := strings.Trim(s, "[]"); strings.Count(s, ":") == 0 || strings.HasSuffix(s, "]") {
		return bare, "", nil
	}
	return net.SplitHostPort(s)
}

func (s site) matches(o origin) bool {
	return s.matchesHost(o.host) && s.matchesPort(o) && slices.Contains(s.schemes, o.scheme)
}

func (s site) matchesHost(host string) bool {
	if !s.wildcard {
		return host == s.host
	}
	label, rest, _ := strings.Cut(host, ".")
	return label != "" && rest == s.host // one label stands for the star
}

func (s site) matchesPort(o origin) bool {
	if s.port == "" {
		return o.port == defaultPorts[o.scheme] || isLoopback(s.host)
	}
	return o.port == s.port
}

// sites are the trusted origins: the listed ones and the server's own; with
// none listed, every one on this machine.
type sites struct {
	own    origin
	listed []site
}

func parseSites(issuer string, entries []string) (sites, error) {
	own, ok := originOf(issuer)
	if !ok {
		return sites{}, fmt.Errorf("issuer %q is not an http or https URL", issuer)
	}
	all := sites{own: own}
	for _, e := range entries {
		s, err := parseSite(e)
		if err != nil {
			return sites{}, err
		}
		all.listed = append(all.listed, s)
	}
	return all, nil
}

// Audiences returns whether an audience is one that this server gives tokens
// to: a trusted origin's host and port, or the issuer itself. It is what
// session.Config.Allows asks. It fails with ErrConfig.
func Audiences(issuer string, appDomains []string) (func(audience string) bool, error) {
	trusted, err := parseSites(issuer, appDomains)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return func(audience string) bool { return audience == issuer || trusted.names(audience) }, nil
}

func (s sites) trusts(o origin) bool {
	if o == s.own || len(s.listed) == 0 && o.loopback() {
		return true
	}
	for _, site := range s.listed {
		if site.matches(o) {
			return true
		}
	}
	return false
}

// names reports whether an audience is one that a trusted origin would have.
func (s sites) names(audience string) bool {
	for _, scheme := range []string{"https", "http"} {
		if o, ok := parseOrigin(scheme + "://" + audience); ok && s.trusts(o) {
			return true
		}
	}
	return false
}

// first is the audience of the first listed application, "localhost" when
// there is none or it is a pattern.
func (s sites) first() string {
	if len(s.listed) == 0 || s.listed[0].wildcard {
		return "localhost"
	}
	l := s.listed[0]
	o := origin{l.schemes[0], l.host, l.port}
	if o.port == "" {
		o.port = defaultPorts[o.scheme]
	}
	return o.audience()
}
