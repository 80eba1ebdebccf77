package keeper_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
)

const jar = "__Host-jotkeeper"

// orders is a guarded application that answers with the account.
func orders(t testing.TB) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, ok := keeper.FromContext(r.Context())
		if !ok {
			t.Error("a guarded handler found no token")
			return
		}
		fmt.Fprint(w, token.Subject())
	})
}

// req is a request with headers given in pairs.
func req(method, path string, header ...string) *http.Request {
	r := httptest.NewRequest(method, "https://shop.example.com"+path, nil)
	r.Host = "shop.example.com"
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

func inHeader(text string) []string { return []string{"Authorization", "Bearer " + text} }
func inCookie(text string) []string { return []string{"Cookie", jar + "=" + text} }

// asks sends a request to the guarded application.
func (h *house) asks(r *http.Request, opts ...keeper.Option) *httptest.ResponseRecorder {
	h.Helper()
	w := httptest.NewRecorder()
	h.Handler(orders(h), opts...).ServeHTTP(w, r)
	return w
}

// reason is the code of a problem, "" for any other answer.
func reason(w *httptest.ResponseRecorder) jwt.Reason {
	var p struct{ Code jwt.Reason }
	if w.Header().Get("Content-Type") != "application/problem+json" || json.Unmarshal(w.Body.Bytes(), &p) != nil {
		return ""
	}
	return p.Code
}

func wantAnswer(t testing.TB, name string, w *httptest.ResponseRecorder, status int, why jwt.Reason) {
	t.Helper()
	if w.Code != status || reason(w) != why {
		t.Errorf("%s: %d %q, want %d %q: %s", name, w.Code, reason(w), status, why, w.Body)
	}
}

// held returns the tokens that an answer gives, by header and by cookie.
func held(header http.Header) (byHeader, byCookie string) {
	for _, line := range header["Set-Cookie"] {
		if value, ours := strings.CutPrefix(line, jar+"="); ours {
			byCookie, _, _ = strings.Cut(value, ";")
		}
	}
	return strings.TrimPrefix(header.Get("Authorization"), "Bearer "), byCookie
}

func wantHeld(t testing.TB, name string, header http.Header, byHeader, byCookie string) {
	t.Helper()
	if h, c := held(header); h != byHeader || c != byCookie {
		t.Errorf("%s: given by header %q, by cookie %q; want %q, %q", name, tail(h), tail(c), tail(byHeader), tail(byCookie))
	}
}

// tail tells tokens apart in a message.
func tail(text string) string { return text[max(0, len(text)-6):] }
