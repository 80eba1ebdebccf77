package authserver_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/jotkeeper/jotkeeper/authserver"
)

// What a stranger writes on a socket gets JSON or an empty body, and the
// status that it deserves; nothing is decided by Host.
func TestWhatArrivesOnTheWire(t *testing.T) {
	h := inMemory(t, func(c *authserver.Config) { c.Issuer, c.AppDomains = "http://127.0.0.1:8080", nil })
	server := httptest.NewServer(h.handler)
	defer server.Close()
	for line, want := range map[string]int{
		"OPTIONS * HTTP/1.1":                             200, // net/http answers this itself
		"OPTIONS /session HTTP/1.1":                      204,
		"CONNECT evil.example:443 HTTP/1.1":              404,
		"CONNECT /session HTTP/1.1":                      405,
		"TRACE /session HTTP/1.1":                        405,
		"GET //jwks HTTP/1.1":                            404,
		"GET /%2e%2e/jwks HTTP/1.1":                      404,
		"GET /jwks/../accounts/1 HTTP/1.1":               404,
		"GET /jwks%2f..%2faccounts%2f1 HTTP/1.1":         404,
		"GET /accounts%2f1 HTTP/1.1":                     404,
		"GET http://evil.example/configuration HTTP/1.1": 200,
		"GET /jwks?x=%zz&y=;z HTTP/1.1":                  200,
		"HEAD /jwks HTTP/1.1":                            200,
	} {
		if got, body := raw(t, server.Listener.Addr().String(), line); got != want || strings.Contains(body, "evil") {
			t.Errorf("%s: %d, want %d: %s", line, got, want, body)
		}
	}
}

func raw(t *testing.T, address, line string) (int, string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "%s\r\nHost: evil.example\r\nX-Forwarded-Host: evil.example\r\nConnection: close\r\n\r\n", line)
	method, _, _ := strings.Cut(line, " ")
	answer, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	defer answer.Body.Close()
	if method == "CONNECT" { // its body has no end that ReadResponse would know
		return answer.StatusCode, ""
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if len(body) > 0 && !json.Valid(body) {
		t.Errorf("%s: not JSON: %q", line, body)
	}
	return answer.StatusCode, string(body)
}
