package authserver

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// maxText bounds what a client sent and we write down, in bytes.
const maxText = 200

// logged writes the one line of a request. Whatever came from outside is a
// value of a closed list or went through encoded; the path and the query are
// not written at all, since people put tokens there.
func (s *server) logged(c *call) {
	took := time.Since(c.began)
	s.metrics.Request(c.pattern, c.r.Method, c.w.status, took)
	level := slog.LevelInfo
	if c.w.status >= 500 {
		level = slog.LevelError
	}
	attrs := append([]slog.Attr{
		slog.String("method", encoded(c.r.Method)),
		slog.String("route", c.pattern),
		slog.Int("status", c.w.status),
		slog.Int64("bytes", c.w.bytes),
		slog.Float64("ms", float64(took.Microseconds())/1000),
		slog.String("request_id", c.id),
		slog.String("address", c.peer.address),
		slog.String("agent", encoded(c.r.UserAgent())),
	}, c.notes...)
	s.cfg.Log.LogAttrs(context.WithoutCancel(c.r.Context()), level, "request", attrs...)
}

// note adds to the request's line. The value must not hold what a client sent.
func (c *call) note(key, value string) { c.notes = append(c.notes, slog.String(key, value)) }

// encoded makes text from outside fit for a line: cut to maxText, and anything
// that is not a visible ASCII character or a space written as an escape, so no
// line break, terminal escape or bidirectional control gets through.
func encoded(s string) string {
	cut := len(s) > maxText
	if cut {
		s = s[:maxText]
	}
	if strings.IndexFunc(s, func(r rune) bool { return r > unicode.MaxASCII || r < ' ' || r == 0x7f }) >= 0 {
		quoted := strconv.QuoteToASCII(s)
		s = strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
	}
	if cut {
		s += "…"
	}
	return s
}
