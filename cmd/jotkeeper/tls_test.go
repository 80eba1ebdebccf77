package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// certify writes a certificate for 127.0.0.1 with this serial number.
func certify(t *testing.T, dir string, serial int64) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	text := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return write(t, filepath.Join(dir, "tls.crt"), text("CERTIFICATE", der)), write(t, filepath.Join(dir, "tls.key"), text("PRIVATE KEY", private))
}

// shown is the serial number of the certificate that a server shows.
func shown(t *testing.T, s *server) int64 {
	t.Helper()
	conn, err := tls.Dial("tcp", strings.TrimPrefix(s.url, "https://"), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	state := conn.ConnectionState()
	if state.NegotiatedProtocol != "" || state.Version < tls.VersionTLS12 {
		t.Errorf("negotiated %q, version %x", state.NegotiatedProtocol, state.Version)
	}
	return state.PeerCertificates[0].SerialNumber.Int64()
}

// SIGHUP reads the certificate again; a broken pair changes nothing (A196: a
// bad reload keeps the old).
func TestReloadKeepsWhatWorks(t *testing.T) {
	home := t.TempDir()
	cert, key := certify(t, home, 1)
	s := launch(t, home, "--tls-cert", cert, "--tls-key", key)
	if !strings.HasPrefix(s.url, "https://127.0.0.1:") {
		t.Errorf("said\n%s", s.said())
	}
	s.await(t, "  issuer   "+s.url+"\n") // the line after the one that says ready
	if got := shown(t, s); got != 1 {
		t.Errorf("shows certificate %d", got)
	}

	write(t, cert, "no certificate")
	if err := s.cmd.Process.Signal(signals["HUP"]); err != nil {
		t.Fatal(err)
	}
	s.await(t, "reload: the certificate is kept, the new one cannot be used")
	if got := shown(t, s); got != 1 {
		t.Errorf("after a bad reload it shows certificate %d", got)
	}

	certify(t, home, 2)
	if err := s.cmd.Process.Signal(signals["HUP"]); err != nil {
		t.Fatal(err)
	}
	s.await(t, "reload: the certificate was read again")
	if got := shown(t, s); got != 2 {
		t.Errorf("after a reload it shows certificate %d", got)
	}
	if code, err := s.stop("TERM"); code != exitOK || err != nil {
		t.Errorf("ended with %d, %v", code, err)
	}
}

// A private key that others can read is refused (A175).
func TestTLSKeyForItsOwnerOnly(t *testing.T) {
	dir := t.TempDir()
	cert, key := certify(t, dir, 1)
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	jotkeeper(t, nil, "", "config", "check", "--tls-cert", cert, "--tls-key", key).wants(t, exitConfig, key+" can be read by others", "try: chmod 600 "+key)
}
