package main

import (
	"crypto/tls"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// complete derives what nobody set from what somebody did.
func (s *settings) complete() {
	if s.DataDir == "" {
		s.DataDir = s.defaultDataDir()
	}
	if s.Database == "" && s.DataDir != "" {
		if dir, err := filepath.Abs(s.DataDir); err == nil {
			s.Database = "sqlite://" + filepath.Join(dir, "jotkeeper.db")
		}
	}
	if s.AdminPasswordFile == "" && s.AdminPassword == "" {
		s.AdminPasswordFile = filepath.Join(s.DataDir, "admin-password")
	}
	if s.MasterKeyFile == "" && s.MasterKey == "" {
		s.MasterKeyFile = filepath.Join(s.DataDir, "master-key")
	}
	if s.Audience == "" {
		s.Audience = "localhost"
		if len(s.AppDomains) > 0 {
			s.Audience = s.AppDomains[0]
		}
	}
	if s.Issuer == "" {
		s.Issuer = s.issuerAt(s.Addr)
	}
}

func (s *settings) defaultDataDir() string {
	switch {
	case s.data != "":
		return filepath.Join(s.data, "jotkeeper")
	case s.home != "":
		return filepath.Join(s.home, ".local/share/jotkeeper")
	}
	return ""
}

// issuerAt is the issuer that a loopback address makes plain, or "": a port
// that is not known yet, or an address that the outside calls by a name.
func (s *settings) issuerAt(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || !loopback(host) || port == "0" {
		return ""
	}
	scheme := "http"
	if s.TLSCert != "" {
		scheme = "https"
	}
	return scheme + "://" + addr
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// databasePath is the file of a sqlite:// address.
func (s *settings) databasePath() string { return strings.TrimPrefix(s.Database, "sqlite://") }

// check looks at what each value means and at how they fit together. What a
// value cannot be at all, the value itself has refused before.
func (l *loader) check(s *settings) {
	l.checkAddr(s)
	l.checkPlaces(s)
	l.checkIssuer(s)
	l.checkDomains(s)
	l.checkTimes(s)
	l.checkTLS(s)
	l.checkExposure(s)
}

// at names the place that set an option, for a complaint.
func (s *settings) at(name string) string {
	if where := s.origin[name]; where != "" {
		return where
	}
	return "--" + name
}

// complain adds a complaint about an option with its value quoted.
func (l *loader) complain(s *settings, name, text string) {
	for _, o := range s.options() {
		if o.Name == name {
			g := given{s.at(name), o.Value.String()}
			l.wrong.add(quoteUnlessSecret(g, o), text, remedy(g, o))
		}
	}
}

func (l *loader) checkAddr(s *settings) {
	host, port, err := net.SplitHostPort(s.Addr)
	if n, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || strings.Contains(host, "/") || n > 65535 {
		l.complain(s, "addr", "is not host:port")
	}
}

func (l *loader) checkPlaces(s *settings) {
	if s.DataDir == "" {
		l.wrong.add("--data-dir", "is not set, and neither HOME nor XDG_DATA_HOME is", "--data-dir ./data")
	}
	scheme, _, ok := strings.Cut(s.Database, "://")
	path := s.databasePath()
	switch {
	case s.Database == "":
	case ok && scheme != "sqlite":
		l.wrong.add(s.at("database"), "names a "+scheme+" database, and this version keeps only SQLite", "--database sqlite:///var/lib/jotkeeper/jotkeeper.db")
	case !ok || !filepath.IsAbs(path):
		l.complain(s, "database", "is not sqlite:// with an absolute path")
	}
	if s.AdminUsername == "" || strings.Contains(s.AdminUsername, ":") {
		l.complain(s, "admin-username", "is empty or holds a colon, which Basic auth cannot carry")
	}
	for _, secret := range []struct{ name, text string }{{"master-key", s.MasterKey}, {"admin-password", s.AdminPassword}} {
		if s.set(secret.name) && len(strings.TrimSpace(secret.text)) < minSecret(secret.name) {
			l.wrong.add(s.at(secret.name), "is shorter than "+strconv.Itoa(minSecret(secret.name))+" bytes", "openssl rand -base64 32")
		}
	}
}

// minSecret: a master key is key material; the admin password is guarded by
// nothing but its length.
func minSecret(name string) int {
	if name == "master-key" {
		return 32
	}
	return 16
}

func (l *loader) checkIssuer(s *settings) {
	if s.Issuer == "" {
		return // checkExposure says what to add
	}
	u, err := url.Parse(s.Issuer)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
		l.complain(s, "issuer", "is not an https URL")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		l.complain(s, "issuer", "has more than scheme, host, port, path")
	case strings.HasSuffix(u.Path, "/"):
		l.complain(s, "issuer", "ends with a slash, and verifiers compare it byte by byte")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		l.complain(s, "issuer", "is http, which is for loopback only")
	}
}

func (l *loader) checkDomains(s *settings) {
	for _, domain := range s.AppDomains {
		host := strings.TrimPrefix(strings.TrimPrefix(domain, "https://"), "http://")
		u, err := url.Parse("https://" + host)
		if err != nil || u.Host != host || u.Hostname() == "" || strings.ContainsAny(domain, "*@ ") {
			l.wrong.add(s.at("app-domains"), strconv.Quote(domain)+" is not host, host:port or an origin", "--app-domains app.example.com")
		}
	}
}

func (l *loader) checkTimes(s *settings) {
	if s.RefreshIdle > s.RefreshAbsolute {
		l.complain(s, "refresh-idle", "is longer than --refresh-absolute "+formatSpan(s.RefreshAbsolute))
	}
	if s.AccessTTL > s.RefreshIdle {
		l.complain(s, "access-ttl", "is longer than --refresh-idle "+formatSpan(s.RefreshIdle))
	}
	if s.KeyRotation < 4*s.JWKSMaxAge {
		l.complain(s, "key-rotation", "is shorter than 4 × --jwks-max-age "+formatSpan(s.JWKSMaxAge)+": no verifier would have the next key in time")
	}
}

func (l *loader) checkTLS(s *settings) {
	switch {
	case s.TLSCert == "" && s.TLSKey == "":
		return
	case s.TLSKey == "":
		l.wrong.add(s.at("tls-cert"), "is set without --tls-key", "--tls-key /etc/jotkeeper/tls.key")
		return
	case s.TLSCert == "":
		l.wrong.add(s.at("tls-key"), "is set without --tls-cert", "--tls-cert /etc/jotkeeper/tls.crt")
		return
	}
	if stat, err := os.Stat(s.TLSKey); err == nil && stat.Mode().Perm()&0o077 != 0 {
		l.wrong.add(s.at("tls-key"), s.TLSKey+" can be read by others", "chmod 600 "+s.TLSKey)
	}
	if _, err := tls.LoadX509KeyPair(s.TLSCert, s.TLSKey); err != nil {
		l.wrong.add(s.at("tls-cert"), "cannot be used: "+err.Error(), "openssl x509 -noout -text -in "+s.TLSCert)
	}
}

// checkExposure: an address that others reach carries passwords, so it has
// TLS, here or at a proxy that is named, with an issuer that says https.
func (l *loader) checkExposure(s *settings) {
	host, _, err := net.SplitHostPort(s.Addr)
	if err != nil || loopback(host) {
		return
	}
	const tlsHere = "--tls-cert FILE --tls-key FILE"
	const proxied = "--behind-proxy 10.0.0.0/8"
	if s.TLSCert == "" && len(s.BehindProxy) == 0 {
		l.wrong.add(s.at("addr"), strconv.Quote(s.Addr)+" is reached by others, and passwords would travel in the clear", tlsHere+", or "+proxied+" when a proxy ends TLS")
	}
	if s.Issuer == "" {
		l.wrong.add("--issuer", "is not set, and "+s.Addr+" does not tell how the outside calls this server", "--issuer https://id.example.com")
	} else if strings.HasPrefix(s.Issuer, "http://") {
		l.complain(s, "issuer", "is http, and "+s.Addr+" is reached by others")
	}
}

// hostOf is the host of host:port.
func hostOf(addr string) string {
	host, _, _ := net.SplitHostPort(addr)
	return host
}
