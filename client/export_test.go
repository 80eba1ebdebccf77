package client

import (
	"crypto/tls"
	"net/http"
)

// Trust lets a Client that was given no HTTP meet a test's server.
func (c *Client) Trust(cfg *tls.Config) {
	own := c.http.Transport.(*http.Transport).Clone() // all share it
	own.TLSClientConfig = cfg
	c.http.Transport = own
}

// Close closes the connections that nobody uses.
func (c *Client) Close() { c.http.CloseIdleConnections() }
