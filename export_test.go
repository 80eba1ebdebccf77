package jotkeeper

import "crypto/tls"

// Trust lets the client of an Auth that was given none meet a test's server.
func (a *Auth) Trust(c *tls.Config) { a.own.TLSClientConfig = c }
