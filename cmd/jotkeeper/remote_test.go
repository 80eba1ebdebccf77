package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A179: whatever a server says of itself, it does not speak to the terminal.
func TestA179AServerDoesNotSpeakToTheTerminal(t *testing.T) {
	token := filepath.Join(t.TempDir(), "feed-token")
	if err := os.WriteFile(token, []byte("jkf_x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, status := range []int{400, 403, 404, 503} {
		var url string
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "revocation-feed") {
				w.Header().Set("Content-Type", "application/json")
				fmt.Fprintf(w, `{"v":1,"issuer":%q,"rules":"../rules","followers":"../followers"}`, url)
				return
			}
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(status)
			fmt.Fprint(w, `{"detail":"\u001b]0;all is well\u0007\r\n"}`)
		}))
		url = s.URL
		var out, talk strings.Builder
		run([]string{"revocation", "push", "sub", "42", "--url", url, "--token-file", token}, []string{"HOME=" + t.TempDir()}, strings.NewReader(""), &out, &talk)
		if said := out.String() + talk.String(); strings.ContainsAny(said, "\x1b\a\r") || !strings.Contains(said, `\u001b]0;all is well\u0007`) {
			t.Errorf("%d: %q", status, said)
		}
		s.Close()
	}
}
