// Package chi is the program with chi, whose middleware is net/http's.
package chi

import (
	"fmt"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/jotkeeper/jotkeeper"
)

// App returns the program.
func App(auth *jotkeeper.Auth) http.Handler {
	r := chi.NewRouter()
	r.Get("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "welcome") })
	r.Group(func(r chi.Router) {
		r.Use(Guard(auth))
		r.Get("/orders", list)
		r.Post("/orders", order)
	})
	r.With(Guard(auth, jotkeeper.Scope("pay"))).Post("/payout/{amount}", payout)
	return r
}

// Guard is an Auth as chi's middleware.
func Guard(auth *jotkeeper.Auth, options ...jotkeeper.Option) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return auth.Handler(next, options...) }
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
	fmt.Fprintf(w, "%s to %s", chi.URLParam(r, "amount"), claims.Subject)
}
