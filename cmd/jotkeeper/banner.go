package main

import (
	"fmt"
	"strings"
	"time"
)

// banner is what a person sees when the server is ready.
func (s *settings) banner(d *dataDir, url string, took time.Duration) string {
	var b strings.Builder
	if d.made {
		fmt.Fprintf(&b, "jotkeeper: new data directory %s (database, master key, %s signing key)\n", d.name(), s.SigningAlg)
	}
	fmt.Fprintf(&b, "jotkeeper: ready on %s in %d ms\n\n", url, took.Milliseconds())
	fmt.Fprintf(&b, "  issuer   %s\n", s.Issuer)
	fmt.Fprintf(&b, "  keys     %s/.well-known/jwks.json\n", s.Issuer)
	fmt.Fprintf(&b, "  admin    user %s, password %s\n", s.AdminUsername, s.passwordPlace(d))
	fmt.Fprintf(&b, "  try it   open %s/  or go on with the README\n", s.Issuer)
	fmt.Fprintf(&b, "  scope    %s\n", s.reach())
	fmt.Fprintf(&b, "\nCtrl-C stops it. To forget everything: rm -r %s\n", d.name())
	return b.String()
}

func (s *settings) passwordPlace(d *dataDir) string {
	if s.AdminPassword != "" {
		return "from " + envName("admin-password")
	}
	return "in " + tilde(s.AdminPasswordFile, d.home)
}

// reach says who can come here.
func (s *settings) reach() string {
	switch {
	case loopback(hostOf(s.Addr)) && len(s.BehindProxy) == 0:
		return "this machine only; others need --addr, --issuer and TLS"
	case len(s.BehindProxy) > 0:
		return "whoever comes through the proxies in " + networksValue{&s.BehindProxy}.String()
	}
	return "whoever reaches " + s.Addr + ", over TLS"
}
