package authserver_test

import (
	"strings"
	"testing"
)

// The script is for pages of every origin; it is asked for cheaply, and is
// what web.Script returns.
func TestTheScriptIsForEveryPage(t *testing.T) {
	h := inMemory(t)
	r := h.do("GET", "/jotkeeper.js", header("Origin", "https://other.example")).want(200)
	for name, want := range map[string]string{
		"Content-Type": "text/javascript; charset=utf-8", "Cache-Control": "public, max-age=300",
		"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin", "X-Content-Type-Options": "nosniff",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if !strings.Contains(r.body, "export class Jotkeeper") {
		t.Error("this is not the script")
	}
	if again := h.do("GET", "/jotkeeper.js", header("If-None-Match", r.Header.Get("ETag"))).want(304); again.body != "" {
		t.Error("a 304 has a body")
	}
	h.do("POST", "/jotkeeper.js").wantCode(405, "method_not_allowed")
}
