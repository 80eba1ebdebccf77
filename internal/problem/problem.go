package problem

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A Problem is one refusal. Only Code is required.
type Problem struct {
	Code       Code
	Detail     string        // in place of the code's own sentence; never a cause, never a secret
	Hint       string        // in place of the code's own remedy
	Scope      string        // what was missing, for code scope
	RetryAfter time.Duration // for 503, rounded up to seconds; one second when zero
}

type body struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Code      Code   `json:"code"`
	Detail    string `json:"detail"`
	Hint      string `json:"hint"`
	RequestID string `json:"request_id"`
}

// Write answers a request with a problem. Headers set before (Vary, say) stay.
func Write(w http.ResponseWriter, r *http.Request, p Problem) {
	code, m, detail := head(w, "application/problem+json", p)
	w.WriteHeader(m.status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.Encode(body{"about:blank", http.StatusText(m.status), m.status, code, detail, m.hint, RequestID(r.Context())})
}

// head sets the headers of a refusal and says what its code means.
func head(w http.ResponseWriter, contentType string, p Problem) (Code, meaning, string) {
	code, m := lookUp(p.Code)
	detail := m.detail
	if p.Detail != "" && code != Internal {
		detail = p.Detail
	}
	if p.Hint != "" && code != Internal {
		m.hint = p.Hint
	}
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if m.bearer != "" {
		h.Set("WWW-Authenticate", challenge(code, m, detail, p.Scope))
	}
	if m.status == http.StatusServiceUnavailable {
		h.Set("Retry-After", retryAfter(p.RetryAfter))
	}
	return code, m, detail
}

// challenge is the WWW-Authenticate value (RFC 6750 §3). Without any
// credential it carries no error (§3.1).
func challenge(code Code, m meaning, detail, scope string) string {
	if m.bearer == "missing" {
		return "Bearer"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Bearer error=%s, error_description=%s", quote(m.bearer), quote(detail))
	if scope != "" {
		fmt.Fprintf(&b, ", scope=%s", quote(scope))
	}
	fmt.Fprintf(&b, ", reason=%s", quote(string(code)))
	return b.String()
}

// quote makes a quoted-string of the characters that RFC 6750 §3 allows in an
// attribute; others become a question mark, so nothing can break out.
func quote(s string) string {
	return `"` + strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e || r == '"' || r == '\\' {
			return '?'
		}
		return r
	}, s) + `"`
}

func retryAfter(d time.Duration) string {
	return strconv.Itoa(max(1, int((d+time.Second-1)/time.Second)))
}

type requestIDKey struct{}

// WithRequestID gives a request's context its ID.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

// RequestID returns the ID of a request, a new one if it was given none.
func RequestID(ctx context.Context) string {
	if id, ok := ctx.Value(requestIDKey{}).(string); ok {
		return id
	}
	return NewRequestID()
}

// NewRequestID makes an ID: 80 random bits, 16 characters.
func NewRequestID() string { return strings.ToLower(rand.Text()[:16]) }
