package main

import (
	"crypto/tls"
	"sync/atomic"
)

// A certificate is the server's, replaced while it runs.
type certificate struct {
	cert, key string
	current   atomic.Pointer[tls.Certificate]
}

// openCertificate loads the pair of files.
func openCertificate(cert, key string) (*certificate, error) {
	c := &certificate{cert: cert, key: key}
	return c, c.reload()
}

// reload reads the files again. A pair that cannot be used changes nothing:
// the server goes on with the one it has.
func (c *certificate) reload() error {
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return err
	}
	c.current.Store(&pair)
	return nil
}

func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current.Load(), nil },
	}
}
