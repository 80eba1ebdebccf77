package facepage

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/internal/problem"
	"github.com/jotkeeper/jotkeeper/jwt"
)

// The parts that run as processes of their own, beside the web application.
const (
	Accounts = "account server"
	API      = "JSON API"
	Verifier = "verifying service"
)

// The scopes of Facepage's accounts. A link in a mail opens a session for the
// survey alone.
const (
	faceScope   = "face"
	surveyScope = "survey"
)

// Serve runs the JSON API or the verifying service at l until ctx ends.
func Serve(ctx context.Context, name string, l net.Listener, o Orders, said io.Writer) error {
	began := time.Now()
	auth, err := verifyFor(o, tokenCookie)
	if err != nil {
		return err
	}
	defer auth.Close()
	p := &part{auth, secretsOf(o), slog.New(slog.NewTextHandler(said, nil))}
	server := &http.Server{Handler: p.handler(name), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	fmt.Fprintf(said, "jotkeeper: ready on http://%s in %d ms\n", l.Addr(), time.Since(began).Milliseconds())
	select {
	case err = <-served:
		return err
	case <-ctx.Done():
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		return server.Shutdown(ctx)
	}
}

// A part verifies, and was told no secret but the credential with which it
// follows revocations.
type part struct {
	auth    *verifying
	secrets []string
	log     *slog.Logger
}

func (p *part) handler(name string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ready", p.ready)
	mux.HandleFunc("GET /holds", p.holds)
	if name == API {
		mux.Handle("GET /face", p.auth.Handler(http.HandlerFunc(p.face), jotkeeper.Scope(faceScope)))
		mux.Handle("GET /face/asking", p.auth.Handler(http.HandlerFunc(p.face), jotkeeper.Scope(faceScope), jotkeeper.Revalidate()))
	} else {
		mux.Handle("GET /verify", p.auth.Handler(http.HandlerFunc(p.verified)))
	}
	return logged(p.log, mux)
}

// face is the JSON API's one resource.
func (p *part) face(w http.ResponseWriter, r *http.Request) {
	claims, _ := jotkeeper.FromContext(r.Context())
	answer(w, http.StatusOK, faceOf(claims.Subject))
}

// verified is all that the verifying service says.
func (p *part) verified(w http.ResponseWriter, r *http.Request) {
	claims, _ := jotkeeper.FromContext(r.Context())
	answer(w, http.StatusOK, map[string]any{"verified": true, "account": claims.Subject, "sid": claims.SessionID})
}

func (p *part) ready(w http.ResponseWriter, _ *http.Request) {
	status := http.StatusOK
	if !p.auth.ready() {
		status = http.StatusServiceUnavailable
	}
	answer(w, status, map[string]any{"ready": p.auth.ready()})
}

// A holding is what a part was given, and what it asked for since it started.
type holding struct {
	Secrets []string       `json:"secrets"` // by what they are good for; never the text
	Rules   int            `json:"rules"`   // in force here
	Asked   map[string]int `json:"asked"`   // requests to the account server, by what for
}

func (p *part) holds(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, holding{Secrets: p.secrets, Rules: p.auth.Stats().Rules.Rules, Asked: p.auth.calls.all()})
}

// secretsOf names the secrets among the orders by what they are good for.
func secretsOf(o Orders) []string {
	var all []string
	if o.Follow != "" {
		all = append(all, "a credential to follow revocations")
	}
	if o.Desk != "" {
		all = append(all, "the credential of the account server's desk")
	}
	return all
}

func answer(w http.ResponseWriter, status int, message any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(message) // the caller went away
}

// refuse answers with a reason of the closed list.
func refuse(w http.ResponseWriter, r *http.Request, err error) {
	problem.Write(w, r, problem.Problem{Code: problem.Code(jwt.ReasonOf(err))})
}
