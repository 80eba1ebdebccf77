package authserver

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/api"
	"github.com/jotkeeper/jotkeeper/internal/acts"
	"github.com/jotkeeper/jotkeeper/internal/problem"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/session"
)

// A refusal is an answer of the closed list of problem codes.
type refusal struct{ problem.Problem }

func (r *refusal) Error() string { return "authserver: " + string(r.Code) + ": " + r.Detail }

func refuse(code problem.Code) error { return &refusal{problem.Problem{Code: code}} }

func malformed(detail string) error {
	return &refusal{problem.Problem{Code: problem.Code(jwt.MalformedRequest), Detail: "The request could not be read: " + detail + "."}}
}

// A verdict is what a person typed, understood and not accepted, in Keratin
// AuthN's closed set of messages.
type verdict struct {
	status int
	fields []api.FieldError
}

func (v *verdict) Error() string { return "authserver: refused input" }

func unfit(field, message string) error {
	return &verdict{http.StatusUnprocessableEntity, []api.FieldError{{Field: field, Message: message}}}
}

// fail turns an error into its answer. It is the only place that does.
func (s *server) fail(c *call, err error) {
	if v := verdictOf(err); v != nil {
		c.note("refused", v.fields[0].Field+" "+v.fields[0].Message)
		c.answer(v.status, api.Refused{Errors: v.fields})
		return
	}
	p := problemOf(err)
	c.note("reason", string(p.Code))
	if problem.Status(p.Code) >= http.StatusInternalServerError {
		s.cfg.Log.Error("trouble", "request_id", c.id, "route", c.pattern, "cause", encoded(err.Error()))
	}
	if c.compatible {
		problem.WriteCompatible(c.w, c.r, p)
		return
	}
	problem.Write(c.w, c.r, p)
}

func verdictOf(err error) *verdict {
	if v, ok := errors.AsType[*verdict](err); ok {
		return v
	}
	fields := account.Fields(err)
	if len(fields) == 0 {
		return nil
	}
	v := &verdict{status: http.StatusUnprocessableEntity}
	if errors.Is(err, account.ErrNotFound) {
		v.status = http.StatusNotFound
	}
	for _, f := range fields {
		v.fields = append(v.fields, api.FieldError{Field: f.Field, Message: f.Message})
	}
	return v
}

// refreshHints are the remedies where a refresh token is meant, and the code's
// own remedy speaks of an access token.
var refreshHints = map[jwt.Reason]string{
	jwt.Missing:   "Send the session's refresh token: its cookie, refresh_token in the body, or where a route says so Authorization: Bearer jkr_…",
	jwt.Malformed: "Send the refresh token exactly as it was issued: it begins with jkr_ and has 66 characters.",
	jwt.Stale:     "Refresh the session, then repeat the request with the new refresh token.",
}

func refuseMissing() error {
	return &refusal{problem.Problem{Code: problem.Code(jwt.Missing), Detail: "This needs a session.", Hint: refreshHints[jwt.Missing]}}
}

// problemOf finds the code of an error. What it does not know is internal.
func problemOf(err error) problem.Problem {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.Problem
	}
	if e, ok := errors.AsType[*session.Error](err); ok {
		return problem.Problem{Code: problem.Code(e.Reason), Hint: refreshHints[e.Reason], RetryAfter: e.RetryAfter}
	}
	if reason := jwt.ReasonOf(err); reason != "" {
		return problem.Problem{Code: problem.Code(reason)}
	}
	switch {
	case errors.Is(err, account.ErrBusy):
		return problem.Problem{Code: problem.Busy, RetryAfter: time.Second}
	case isUnavailable(err):
		return problem.Problem{Code: problem.Code(jwt.Unavailable), RetryAfter: time.Second}
	case isNotFound(err):
		return problem.Problem{Code: problem.NotFound}
	}
	return problem.Problem{Code: problem.Internal}
}

// isUnavailable reports an error that says nothing about what was asked.
func isUnavailable(err error) bool {
	return errors.Is(err, session.ErrRetry) || errors.Is(err, session.ErrClock) || errors.Is(err, account.ErrConflict) || acts.Unavailable(err) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

func isNotFound(err error) bool { return errors.Is(err, session.ErrNotFound) }
