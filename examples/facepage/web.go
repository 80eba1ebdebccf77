package facepage

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/jwt"
)

// WebApp is the name of the web application among the parts.
const WebApp = "web application"

// A WebConfig says where the web application finds the others.
type WebConfig struct {
	Orders   Orders // Issuer, Audience, Follow, Desk, Pages
	API      string // URL of the JSON API
	Verifier string // URL of the verifying service
	Cast     []*Process
	Lines    *Lines // what this process writes
	PID      int    // of this process
}

// Web is the web application: its pages, its sessions, its chapters. Close it.
type Web struct {
	cfg      WebConfig
	auth     *verifying
	accounts accountServer
	http     *http.Client
	log      *slog.Logger
	cast     []*Process // with itself
	carrier  jotkeeper.Carrier
	users    users
	visits   *visits
	answers  answers
	handler  http.Handler
}

// NewWeb returns the web application. It waits for nobody.
func NewWeb(cfg WebConfig) (*Web, error) {
	w := &Web{
		cfg: cfg, accounts: accountServer{cfg.Orders}, visits: newVisits(),
		http: &http.Client{Timeout: patience, Transport: direct(), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		log:  slog.New(slog.NewTextHandler(cfg.Lines, nil)),
	}
	var err error
	if w.auth, err = verifyFor(cfg.Orders, tokenCookie); err != nil {
		return nil, err
	}
	own := &Process{Name: WebApp, Lines: cfg.Lines, url: cfg.Orders.Pages, pid: cfg.PID, starts: 1}
	w.cast = slices.Insert(slices.Clone(cfg.Cast), min(1, len(cfg.Cast)), own)
	w.handler = w.safely(logged(w.log, w.routes()))
	return w, nil
}

// Close ends what the web application does beside its requests.
func (w *Web) Close() {
	w.auth.Close()
	w.http.CloseIdleConnections()
}

func (w *Web) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", w.page(w.home))
	mux.HandleFunc("GET /problem/{n}", w.page(w.problem))
	mux.HandleFunc("POST /problem/{n}", w.form(w.perform))
	mux.HandleFunc("GET /reset", w.resetPage)
	mux.HandleFunc("POST /reset", w.form(w.reset))
	mux.HandleFunc("GET /survey", w.surveyPage)
	mux.HandleFunc("POST /survey/enter", w.form(w.surveyEnter))
	mux.HandleFunc("POST /survey/answer", w.form(w.surveyAnswer))
	mux.HandleFunc("POST /session/login", w.form(w.logIn))
	mux.HandleFunc("GET /session/renew", w.renew)
	mux.HandleFunc("POST /session/logout", w.form(w.logOut))
	mux.HandleFunc("POST /session/end-all", w.form(w.endAll))
	mux.HandleFunc("POST /session/rotate", w.form(w.rotate))
	face := w.auth.Handler(http.HandlerFunc(w.me), jotkeeper.Scope(faceScope))
	mux.Handle("GET /me", face)
	mux.Handle("POST /me", face) // problem 1 asks it from elsewhere
	mux.HandleFunc("GET /style.css", style)
	mux.HandleFunc("/", w.nothing)
	return mux
}

// ServeHTTP answers a browser.
func (w *Web) ServeHTTP(rw http.ResponseWriter, r *http.Request) { w.handler.ServeHTTP(rw, r) }

// policy lets the page load its style and nothing else, from nowhere else.
const policy = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// safely sets what every answer carries, and answers to our own names only:
// another name that leads here is another site's, which would be read with our
// cookies (DNS rebinding).
func (w *Web) safely(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		h := rw.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		// Not no-referrer: a form of such a page is sent with Origin: null, which says
		// nothing of where it comes from. Answers that an address with a token leads
		// to say it themselves.
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		if !w.named(r.Host) {
			http.Error(rw, "Facepage is at "+w.cfg.Orders.Pages, http.StatusMisdirectedRequest)
			return
		}
		r.Body = http.MaxBytesReader(rw, r.Body, 16<<10)
		next.ServeHTTP(rw, r)
	})
}

// named tells whether a host is one of ours.
func (w *Web) named(host string) bool {
	own, err := url.Parse(w.cfg.Orders.Pages)
	if err != nil {
		return false
	}
	return host == own.Host || host == net.JoinHostPort("localhost", own.Port())
}

// form guards what changes something: a browser attaches cookies to whatever
// form any site sends here. The check is the one that the verifying half has.
func (w *Web) form(h http.HandlerFunc) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		if !w.carrier.SameOrigin(r) {
			w.render(rw, r, http.StatusForbidden, "refused", &view{Title: "Not from here", Act: &act{Outcome: refused, Reason: string(jwt.CSRF),
				Said: "The request could have been sent by another site, so nothing was done. Use the form on Facepage's own page."}})
			return
		}
		h(rw, r)
	}
}

// A caller is who asks, and with which token.
type caller struct {
	Account string // "" for nobody
	Face    Face
	Scope   string

	token  string
	reason jwt.Reason // why the token is refused; "" with an account, or without a token
}

// who verifies the token of a page's request, with no call to anybody.
func (w *Web) who(r *http.Request) caller {
	c := caller{token: cookie(r, tokenCookie)}
	if c.token == "" {
		return c
	}
	claims, err := w.verify(r, c.token, jotkeeper.Scope(faceScope))
	if err != nil {
		c.reason = jwt.ReasonOf(err)
		return c
	}
	c.Account, c.Scope = w.users.meet(claims.Subject).Account, claims.Scope
	c.Face = faceOf(c.Account)
	return c
}

// Token is what the browser holds, for its owner to look at.
func (c caller) Token() *shown {
	if c.Account == "" {
		return nil
	}
	return show(c.token)
}

// Over is why a session that the browser still holds is none any more.
func (c caller) Over() string { return string(c.reason) }

// verify verifies a token from wherever it was found.
func (w *Web) verify(r *http.Request, token string, demands ...jotkeeper.Option) (*jotkeeper.Claims, error) {
	req, err := bearing(r.Context(), http.MethodGet, "http://"+r.Host, token)
	if err != nil {
		return nil, err
	}
	return w.auth.Authenticate(req, demands...)
}

// renewable are the refusals that a refresh heals.
var renewable = []jwt.Reason{jwt.Expired, jwt.Stale, jwt.BadKey}

// wantsRenewal tells whether the token should be renewed before the page is made.
func (c caller) wantsRenewal(now time.Time) bool {
	if c.token == "" {
		return false
	}
	s := show(c.token)
	return slices.Contains(renewable, c.reason) || c.reason == "" && s != nil && s.halfway(now)
}

// page answers a GET, after a renewal if it is time for one: the refresh token
// travels to /session only, so the browser is sent there and back, once.
func (w *Web) page(h func(http.ResponseWriter, *http.Request, caller)) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		c, renewed := w.who(r), r.URL.Query().Has("renewed")
		switch {
		case c.wantsRenewal(time.Now()) && !renewed:
			http.Redirect(rw, r, "/session/renew?return_to="+url.QueryEscape(r.URL.Path), http.StatusSeeOther)
		case c.reason == jwt.Unavailable, slices.Contains(renewable, c.reason):
			w.cannotKnow(rw, r) // a session that had ended would have been dropped by the renewal
		default:
			h(rw, r, c)
		}
	}
}

// cannotKnow is what a person hears while nothing can be known: still logged in.
func (w *Web) cannotKnow(rw http.ResponseWriter, r *http.Request) {
	rw.Header().Set("Retry-After", "1")
	w.render(rw, r, http.StatusServiceUnavailable, "refused", &view{Title: "One moment", Act: &act{Outcome: unavailable, Reason: string(jwt.Unavailable),
		Said: "It cannot be known at this moment whether your session has ended. You keep it: load the page again in a second."}})
}

func (w *Web) nothing(rw http.ResponseWriter, r *http.Request) {
	w.render(rw, r, http.StatusNotFound, "refused", &view{Title: "No such page", Act: &act{Outcome: refused, Reason: "not_found", Said: "There is nothing at this address."}})
}

// me is the web application's own resource, for the cookie and for the header.
func (w *Web) me(rw http.ResponseWriter, r *http.Request) {
	claims, _ := jotkeeper.FromContext(r.Context())
	answer(rw, http.StatusOK, faceOf(claims.Subject))
}

// Warm waits until every part has the keys and has heard of the revocations.
func (w *Web) Warm(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !w.warm(ctx) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

func (w *Web) warm(ctx context.Context) bool {
	if !w.auth.ready() {
		return false
	}
	for _, address := range []string{w.cfg.API, w.cfg.Verifier} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/ready", nil)
		if err != nil {
			return false
		}
		res, err := w.http.Do(req)
		if err != nil {
			return false
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return false
		}
	}
	return true
}

// returnTo is where a person is sent after a login: one of our pages, word for
// word, and the first page for anything else (A081).
func returnTo(asked string) string {
	n, ok := strings.CutPrefix(asked, "/problem/")
	if asked == "/" || ok && problemNumber(n) > 0 {
		return asked
	}
	return "/"
}
