package main

import (
	_ "embed"
	"encoding/json"
	"errors"
	"html/template"
	"log"
	"net/http"
	"time"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
)

// routes guards everything but the way in and the way out.
func (h *house) routes() http.Handler {
	inside := http.NewServeMux()
	inside.HandleFunc("GET /{$}", h.home)
	inside.HandleFunc("GET /api/orders", h.orders)
	inside.HandleFunc("POST /logout-everywhere", h.logoutEverywhere)

	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) { show(w, http.StatusOK, view{To: keeper.ReturnTo(r)}) })
	mux.HandleFunc("POST /login", h.login)
	mux.HandleFunc("POST /signup", h.signup)
	mux.HandleFunc("POST /logout", h.logout)
	mux.Handle("/", h.keeper.Handler(inside, keeper.LoginPage("/login")))
	return mux
}

func (h *house) home(w http.ResponseWriter, r *http.Request) {
	token, _ := keeper.FromContext(r.Context())
	name, _ := token.Claims().Private["name"].(string)
	show(w, http.StatusOK, view{Name: name, Ends: token.Ends()})
}

func (h *house) orders(w http.ResponseWriter, r *http.Request) {
	token, _ := keeper.FromContext(r.Context())
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"account": token.Subject(), "orders": []string{"tea", "biscuits"}})
}

func (h *house) login(w http.ResponseWriter, r *http.Request) {
	row, err := h.accounts.Authenticate(r.Context(), time.Now(), r.PostFormValue("name"), r.PostFormValue("password"))
	h.enter(w, r, row, err)
}

func (h *house) signup(w http.ResponseWriter, r *http.Request) {
	row, err := h.accounts.Prepare(r.Context(), time.Now(), r.PostFormValue("name"), r.PostFormValue("password"))
	if err == nil {
		row, err = h.accounts.Insert(r.Context(), row)
	}
	h.enter(w, r, row, err)
}

// enter begins the session of somebody who proved who they are.
func (h *house) enter(w http.ResponseWriter, r *http.Request, row account.Row, err error) {
	var token *keeper.Token
	if err == nil {
		token, err = h.keeper.Create(r.Context(), keeper.Claims{Subject: row.Subject(), Private: map[string]any{"name": row.Display}})
	}
	if err == nil {
		err = h.keeper.Write(w, r, token, keeper.ByCookie)
	}
	if err != nil {
		refuse(w, r, err)
		return
	}
	http.Redirect(w, r, keeper.ReturnTo(r), http.StatusSeeOther)
}

func (h *house) logout(w http.ResponseWriter, r *http.Request) {
	if err := h.keeper.Clear(w, r); err != nil {
		refuse(w, r, err)
		return
	}
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

func (h *house) logoutEverywhere(w http.ResponseWriter, r *http.Request) {
	token, _ := keeper.FromContext(r.Context())
	if err := h.keeper.RevokeSubject(r.Context(), token.Subject()); err != nil {
		refuse(w, r, err)
		return
	}
	h.logout(w, r)
}

// refuse shows the form again, with what is wrong.
func refuse(w http.ResponseWriter, r *http.Request, err error) {
	status, words := wrong(err)
	if status == http.StatusServiceUnavailable {
		log.Print(err)
		w.Header().Set("Retry-After", "1")
	}
	show(w, status, view{Wrong: words, To: keeper.ReturnTo(r)})
}

// wrong says it in words for people.
func wrong(err error) (status int, words string) {
	var form *account.FieldErrors
	switch {
	case errors.As(err, &form):
		return http.StatusUnprocessableEntity, "The " + form.Errors[0].Field + " " + form.Errors[0].Detail + "."
	case errors.Is(err, account.ErrTaken):
		return http.StatusConflict, "Somebody has that name."
	case errors.Is(err, account.ErrFailed):
		return http.StatusUnauthorized, "The name or the password is wrong."
	case jwt.ReasonOf(err) == jwt.CSRF:
		return http.StatusForbidden, "This was sent by another site."
	}
	return http.StatusServiceUnavailable, "That did not work. Come again in a moment."
}

//go:embed page.html
var text string

var page = template.Must(template.New("page").Parse(text))

// A view is what a page shows: a person's, or the form to log in.
type view struct {
	Name  string
	Ends  time.Time
	Wrong string
	To    string // where the login leads
}

func show(w http.ResponseWriter, status int, v view) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if err := page.Execute(w, v); err != nil {
		log.Print(err) // the person has gone
	}
}
