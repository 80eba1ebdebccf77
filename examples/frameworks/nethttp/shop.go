package nethttp

import (
	"fmt"
	"net/http"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
)

// Shop returns a program that keeps its sessions itself. Everything but the way in
// and the way out stands behind the keeper; news is what its stream tells.
func Shop(k *keeper.Keeper, news <-chan string) http.Handler {
	s := shop{k, news}
	inside := http.NewServeMux()
	inside.HandleFunc("GET /home", s.home)
	inside.HandleFunc("GET /api/orders", s.list)
	inside.HandleFunc("POST /api/orders", s.order)
	inside.HandleFunc("GET /prices", s.prices)
	inside.HandleFunc("GET /news", s.tell)
	inside.HandleFunc("GET /panic", func(http.ResponseWriter, *http.Request) { panic("the application") })

	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", s.login(keeper.ByCookie))
	mux.HandleFunc("POST /api/login", s.login(keeper.ByHeader))
	mux.HandleFunc("POST /logout", s.logout)
	mux.Handle("/", k.Handler(inside, keeper.LoginPage("/login")))
	return mux
}

type shop struct {
	keeper *keeper.Keeper
	news   <-chan string
}

func (s shop) login(how keeper.Way) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, err := s.keeper.Create(r.Context(), keeper.Claims{Subject: "ada"}) // after the password was checked
		if err == nil {
			err = s.keeper.Write(w, r, token, how)
		}
		if err != nil {
			http.Error(w, "refused", status(err))
			return
		}
		http.Redirect(w, r, keeper.ReturnTo(r), http.StatusSeeOther)
	}
}

func (s shop) logout(w http.ResponseWriter, r *http.Request) {
	if err := s.keeper.Clear(w, r); err != nil {
		http.Error(w, "refused", status(err))
		return
	}
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// status tells what is another site's doing from what is trouble here.
func status(err error) int {
	if jwt.ReasonOf(err) == jwt.CSRF {
		return http.StatusForbidden
	}
	return http.StatusServiceUnavailable
}

func (s shop) home(w http.ResponseWriter, r *http.Request) {
	token, _ := keeper.FromContext(r.Context())
	fmt.Fprint(w, "home of ", token.Subject())
}

func (s shop) list(w http.ResponseWriter, r *http.Request) {
	token, _ := keeper.FromContext(r.Context())
	fmt.Fprint(w, "orders of ", token.Subject())
}

func (s shop) order(w http.ResponseWriter, r *http.Request) {
	token, _ := keeper.FromContext(r.Context())
	w.WriteHeader(http.StatusCreated)
	fmt.Fprint(w, "ordered by ", token.Subject())
}

func (s shop) prices(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=600")
	fmt.Fprint(w, "tea 3")
}

func (s shop) tell(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	for one := range s.news {
		fmt.Fprintf(w, "data: %s\n\n", one)
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
	}
}
