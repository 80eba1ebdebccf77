package authserver_test

import (
	"testing"

	"github.com/jotkeeper/jotkeeper/authserver"
)

// A072: near misses of a trusted origin, each with one change.
func TestA072OnlyTheListedOriginIsTrusted(t *testing.T) {
	const issuer = "https://id.example.com"
	listed := []string{"app.example.com", "http://intranet.example.com:8080", "*.tenant.example.com", "localhost"}
	for _, c := range []struct {
		origin string
		want   string // audience; empty: not trusted
	}{
		{"https://app.example.com", "app.example.com"},
		{"http://app.example.com", ""},
		{"https://app.example.com:8443", ""},
		{"https://app.example.com:443", ""}, // no browser writes the default port
		{"https://APP.example.com", ""},
		{"https://app.example.com.evil", ""},
		{"https://evilapp.example.com", ""},
		{"https://app.example.com@evil.example", ""},
		{"https://app.example.com/", ""},
		{"https://app.example.com.", ""},
		{"https://appxexample.com", ""},
		{"ftp://app.example.com", ""},
		{"null", ""},
		{"", ""},
		{"https://app.example.com, https://evil.example", ""},
		{"http://intranet.example.com:8080", "intranet.example.com:8080"},
		{"https://intranet.example.com:8080", ""},
		{"http://intranet.example.com", ""},
		{"https://one.tenant.example.com", "one.tenant.example.com"},
		{"https://tenant.example.com", ""},
		{"https://a.b.tenant.example.com", ""},
		{"http://localhost:3000", "localhost:3000"},
		{"https://localhost", "localhost"},
		{"http://127.0.0.1:3000", ""},
		{"https://id.example.com", "id.example.com"}, // the server's own pages
		{"http://id.example.com", ""},
	} {
		got, err := authserver.Audience(issuer, listed, c.origin)
		if err != nil {
			t.Fatal(err)
		}
		if got != c.want {
			t.Errorf("%q: got %q, want %q", c.origin, got, c.want)
		}
	}
}

func TestWithNothingListedThisMachineIsTrusted(t *testing.T) {
	for origin, want := range map[string]string{
		"http://localhost:3000":      "localhost:3000",
		"http://127.0.0.1":           "127.0.0.1",
		"http://[::1]:5173":          "[::1]:5173",
		"http://localhost.evil.test": "",
		"http://10.0.0.1":            "",
		"https://app.example.com":    "",
	} {
		got, err := authserver.Audience("http://127.0.0.1:8080", nil, origin)
		if err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", origin, got, want)
		}
	}
}

func TestABadAppDomainSaysHowToWriteIt(t *testing.T) {
	for _, entry := range []string{"", "*", "*.com", "ftp://x.example", "a b", "x.example/path", "u@x.example", "x:y:z", "a*b.example.com"} {
		if _, err := authserver.Audience("https://id.example.com", []string{entry}, "https://x.example"); err == nil {
			t.Errorf("%q was taken", entry)
		}
	}
}
