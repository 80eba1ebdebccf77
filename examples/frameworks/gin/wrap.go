package gin

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"
)

// Wrap makes gin's middleware of one that is written for net/http. The handler of
// net/http is called with gin's context behind the request's, finds it there when
// the request is good, and goes on in the chain; otherwise its answer stands and
// the chain ends.
func Wrap(guard func(http.Handler) http.Handler) gin.HandlerFunc {
	guarded := guard(http.HandlerFunc(goOn))
	return func(c *gin.Context) {
		p := &passage{c: c}
		guarded.ServeHTTP(c.Writer, c.Request.WithContext(context.WithValue(c.Request.Context(), passageKey{}, p)))
		if !p.passed {
			c.Abort()
		}
	}
}

type passageKey struct{}

// A passage is one request on its way through the guard.
type passage struct {
	c      *gin.Context
	passed bool
}

func goOn(w http.ResponseWriter, r *http.Request) {
	p := r.Context().Value(passageKey{}).(*passage)
	p.passed, p.c.Request = true, r
	p.c.Writer = &writer{p.c.Writer, w}
	p.c.Next()
}

// A writer is gin's, by way of the guard's: a guard may have the last word on the
// headers. Gin keeps a status until the first byte, and so does the guard not hear
// of it before.
type writer struct {
	gin.ResponseWriter
	guard http.ResponseWriter
}

// Unwrap is for http.ResponseController.
func (w *writer) Unwrap() http.ResponseWriter { return w.guard }

func (w *writer) WriteHeaderNow() {
	if !w.Written() {
		w.guard.WriteHeader(w.Status())
		w.ResponseWriter.WriteHeaderNow()
	}
}

func (w *writer) Write(b []byte) (int, error) {
	w.WriteHeaderNow()
	return w.guard.Write(b)
}

func (w *writer) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

func (w *writer) Flush() {
	w.WriteHeaderNow()
	_ = http.NewResponseController(w.guard).Flush()
}
