package facepage

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/jotkeeper/jotkeeper/internal/problem"
)

// A recorder notes how a request was answered.
type recorder struct {
	http.ResponseWriter
	status int
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
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController through.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// logged writes one line for each request: the pattern of its route and never
// its address, where people put tokens (A067), and no header.
func logged(log *slog.Logger, mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began, id := time.Now(), problem.NewRequestID()
		w.Header().Set("X-Request-Id", id)
		seen := &recorder{ResponseWriter: w}
		_, pattern := mux.Handler(r)
		defer func() {
			if seen.status == 0 {
				seen.status = http.StatusOK
			}
			log.LogAttrs(context.WithoutCancel(r.Context()), slog.LevelInfo, "request", slog.String("route", either(pattern, "unmatched")),
				slog.Int("status", seen.status), slog.Float64("ms", millis(time.Since(began))), slog.String("request_id", id))
		}()
		mux.ServeHTTP(seen, r.WithContext(problem.WithRequestID(r.Context(), id)))
	})
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
