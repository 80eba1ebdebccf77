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
func Serve(ctx context.Context, part string, l net.Listener, o Orders, said io.Writer) error {
	began := time.Now()
	p, err := newPart(o, slog.New(slog.NewTextHandler(said, nil)))
	if err != nil {
		return err
	}
	defer p.auth.Close()
	server := &http.Server{Handler: p.handler(part), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second}
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

// A part verifies by itself. It was told no secret but the credential with which
// it follows revocations, and it counts what it asks the network.
type part struct {
	auth  *jotkeeper.Auth
	calls *calls
	log   *slog.Logger
}

func newPart(o Orders, log *slog.Logger) (*part, error) {
	p := &part{calls: newCalls(), log: log}
	var err error
	p.auth, err = jotkeeper.New(jotkeeper.Config{
		Issuer: o.Issuer, Audience: o.Audience,
		Feed:   jotkeeper.Feed{Token: o.Follow, Transport: p.calls.counting(direct())},
		Client: &http.Client{Timeout: 5 * time.Second, Transport: p.calls.counting(direct())},
	})
	return p, err
}

// direct connects to this machine, past any proxy.
func direct() *http.Transport { return &http.Transport{MaxIdleConnsPerHost: 8} }

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

// ready tells that the part has heard of the revocations: before that it would
// refuse everybody with 503.
func (p *part) ready(w http.ResponseWriter, _ *http.Request) {
	if p.auth.Stats().Stale {
		answer(w, http.StatusServiceUnavailable, map[string]any{"ready": false})
		return
	}
	answer(w, http.StatusOK, map[string]any{"ready": true})
}

// A holding is what a part was given, and what it asked for since it started.
type holding struct {
	Secrets []string       `json:"secrets"` // by what they are good for; never the text
	Rules   int            `json:"rules"`   // in force here
	Asked   map[string]int `json:"asked"`   // requests to the account server, by what for
}

func (p *part) holds(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, holding{
		Secrets: []string{"a credential to follow revocations: with it nobody can sign anything"},
		Rules:   p.auth.Stats().Rules.Rules, Asked: p.calls.all(),
	})
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
