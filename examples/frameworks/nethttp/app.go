// Package nethttp is the program in the standard library alone.
package nethttp

import (
	"fmt"
	"net/http"

	"github.com/jotkeeper/jotkeeper"
)

// App returns the program. Each guarded route says what it demands.
func App(auth *jotkeeper.Auth) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "welcome") })
	mux.Handle("GET /orders", auth.Handler(http.HandlerFunc(list)))
	mux.Handle("POST /orders", auth.Handler(http.HandlerFunc(order)))
	mux.Handle("POST /payout/{amount}", auth.Handler(http.HandlerFunc(payout), jotkeeper.Scope("pay")))
	return mux
}

func list(w http.ResponseWriter, r *http.Request) {
	claims, _ := jotkeeper.FromContext(r.Context())
	fmt.Fprintf(w, "orders of %s", claims.Subject)
}

func order(w http.ResponseWriter, r *http.Request) {
	claims, _ := jotkeeper.FromContext(r.Context())
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, "ordered by %s", claims.Subject)
}

func payout(w http.ResponseWriter, r *http.Request) {
	claims, _ := jotkeeper.FromContext(r.Context())
	fmt.Fprintf(w, "%s to %s", r.PathValue("amount"), claims.Subject)
}
