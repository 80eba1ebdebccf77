package chi

import (
	"fmt"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
)

// Shop returns a program that keeps its sessions itself. news is what its stream
// tells.
func Shop(k *keeper.Keeper, news <-chan string) http.Handler {
	r := chi.NewRouter()
	r.Post("/login", login(k, keeper.ByCookie))
	r.Post("/api/login", login(k, keeper.ByHeader))
	r.Post("/logout", logout(k))
	r.Group(func(r chi.Router) {
		r.Use(Sessions(k, keeper.LoginPage("/login")))
		r.Get("/home", say("home of "))
		r.Get("/api/orders", say("orders of "))
		r.With(created).Post("/api/orders", say("ordered by "))
		r.Get("/prices", prices)
		r.Get("/news", tell(news))
		r.Get("/panic", func(http.ResponseWriter, *http.Request) { panic("the application") })
	})
	return r
}

// Sessions is a Keeper as chi's middleware.
func Sessions(k *keeper.Keeper, options ...keeper.Option) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return k.Handler(next, options...) }
}

func login(k *keeper.Keeper, how keeper.Way) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, err := k.Create(r.Context(), keeper.Claims{Subject: "ada"}) // after the password was checked
		if err == nil {
			err = k.Write(w, r, token, how)
		}
		if err != nil {
			http.Error(w, "refused", status(err))
			return
		}
		http.Redirect(w, r, keeper.ReturnTo(r), http.StatusSeeOther)
	}
}

func logout(k *keeper.Keeper) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := k.Clear(w, r); err != nil {
			http.Error(w, "refused", status(err))
			return
		}
		http.Redirect(w, r, "/login", http.StatusSeeOther)
	}
}

// status tells what is another site's doing from what is trouble here.
func status(err error) int {
	if jwt.ReasonOf(err) == jwt.CSRF {
		return http.StatusForbidden
	}
	return http.StatusServiceUnavailable
}

func say(what string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, _ := keeper.FromContext(r.Context())
		fmt.Fprint(w, what, token.Subject())
	}
}

func created(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusCreated)
		next.ServeHTTP(w, r)
	})
}

func prices(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=600")
	fmt.Fprint(w, "tea 3")
}

func tell(news <-chan string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for one := range news {
			fmt.Fprintf(w, "data: %s\n\n", one)
			w.(http.Flusher).Flush()
		}
	}
}
