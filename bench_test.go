package jotkeeper_test

import (
	"net/http"
	"testing"
)

// quiet is a ResponseWriter that keeps nothing.
type quiet struct{ h http.Header }

func (q quiet) Header() http.Header         { return q.h }
func (q quiet) Write(b []byte) (int, error) { return len(b), nil }
func (q quiet) WriteHeader(int)             {}

// BenchmarkHandler is a guarded request whose token was verified before.
func BenchmarkHandler(b *testing.B) {
	h := newHouse(b)
	guarded := h.auth.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	tok := h.token()
	for name, r := range map[string]*http.Request{
		"header": get("Authorization", "Bearer "+tok),
		"cookie": get("Cookie", "__Host-jotkeeper="+tok),
	} {
		b.Run(name, func(b *testing.B) {
			w := quiet{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.h)
				guarded.ServeHTTP(w, r)
			}
		})
	}
}
