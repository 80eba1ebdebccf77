package authserver

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"path"
	"runtime/debug"
	"strings"
	"time"

	"github.com/jotkeeper/jotkeeper/internal/problem"
)

// A call is one request on its way to its answer.
type call struct {
	w          *recorder
	r          *http.Request
	id         string // of the request
	pattern    string // of its route; "unmatched" before there is one
	compatible bool   // Keratin AuthN's clients call this route
	peer       peer
	whole      context.Context // of the connection: it does not end with the server's patience
	began      time.Time       // by this machine's clock, for the log only
	notes      []slog.Attr     // for the request's line
	read       *params         // the body, once read
}

// A recorder notes what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController through.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

type callKey struct{}

// ServeHTTP answers one request and writes its line.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{w: &recorder{ResponseWriter: w}, id: problem.NewRequestID(), pattern: "unmatched", peer: s.proxies.peer(r), whole: r.Context(), began: time.Now()}
	ctx, cancel := context.WithTimeout(problem.WithRequestID(r.Context(), c.id), s.cfg.Patience)
	defer cancel()
	c.r = r.WithContext(context.WithValue(ctx, callKey{}, c))
	s.head(c)
	defer s.logged(c)
	defer s.recovered(c)
	s.dispatch(c)
}

// head sets what every answer carries; an answer that may be kept says so itself.
func (s *server) head(c *call) {
	h := c.w.Header()
	h.Set("X-Request-Id", c.id)
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	if s.secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	// A body in chunks may have had a Content-Length too, which net/http passes over
	// and hides. A proxy that went by it takes another byte for the next request, so
	// there is none on this connection (RFC 9112, 6.1).
	if len(c.r.TransferEncoding) > 0 {
		h.Set("Connection", "close")
	}
}

// recovered turns a panic into a wordless 500 of this request only.
func (s *server) recovered(c *call) {
	cause := recover()
	if cause == nil {
		return
	}
	s.metrics.Panicked()
	s.cfg.Log.Error("panic", "request_id", c.id, "route", c.pattern, "cause", slog.AnyValue(cause), "stack", string(debug.Stack()))
	if c.w.status != 0 {
		panic(http.ErrAbortHandler) // half an answer is out: cut the connection
	}
	s.fail(c, errPanic)
}

var errPanic = errors.New("authserver: a handler panicked")

// dispatch finds the route. Paths are taken as they are: one that would have
// to be cleaned first names nothing here.
func (s *server) dispatch(c *call) {
	at := c.r.URL.Path
	below, inside := strings.CutPrefix(at, s.prefix)
	switch {
	case s.secure && c.peer.plain && !probe(below):
		s.refusePlain(c)
	case !inside || !strings.HasPrefix(below, "/") || path.Clean(at) != strings.TrimSuffix(at, "/") && at != "/":
		s.fail(c, refuse(problem.NotFound))
	default:
		s.mux.ServeHTTP(c.w, c.r)
	}
}

// probe tells the two routes that a load balancer may ask over plain HTTP:
// they carry nothing.
func probe(path string) bool { return path == "/healthz" || path == "/readyz" }

// refusePlain answers a request that came over plain HTTP. It is not
// redirected: the client would go on sending its credentials in the clear, and
// nobody would notice.
func (s *server) refusePlain(c *call) {
	if c.r.Header.Get("Authorization") != "" || c.r.Header.Get("Cookie") != "" {
		c.note("exposed", "credentials were sent over plain HTTP")
	}
	s.fail(c, refuse(problem.InsecureRequest))
}

// params reads the body, once.
func (c *call) params() (params, error) {
	if c.read == nil {
		p, err := readParams(c.w.ResponseWriter, c.r)
		if err != nil {
			return params{}, err
		}
		c.read = &p
	}
	return *c.read, nil
}

// answer writes a JSON message.
func (c *call) answer(status int, message any) error {
	body, err := json.Marshal(message)
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "application/json")
	c.w.WriteHeader(status)
	c.w.Write(append(body, '\n'))
	return nil
}

// done answers that there is nothing more to say.
func (c *call) done() error {
	c.w.Header().Set("Content-Length", "0")
	c.w.WriteHeader(http.StatusOK)
	return nil
}
