package memory

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/keyring"
	"github.com/jotkeeper/jotkeeper/session"
)

// kept is a time as a database would give it back: whole microseconds, UTC.
// Microsecond 0 of 1970 is "never" there, so it is here.
func kept(t time.Time) time.Time {
	if t.IsZero() || t.UnixMicro() == 0 {
		return time.Time{}
	}
	return time.UnixMicro(t.UnixMicro()).UTC()
}

func keep(times ...*time.Time) {
	for _, t := range times {
		*t = kept(*t)
	}
}

// some returns a copy of a list, nil if it is empty.
func some[S ~[]E, E any](s S) S {
	if len(s) == 0 {
		return nil
	}
	return slices.Clone(s)
}

// copyAccount shares nothing with r.
func copyAccount(r account.Row) account.Row {
	keep(&r.FailedAt, &r.CreatedAt, &r.PasswordChangedAt, &r.LastLoginAt, &r.DeletedAt)
	if len(r.Claims) == 0 {
		r.Claims = nil
		return r
	}
	r.Claims = maps.Clone(r.Claims)
	for name, value := range r.Claims {
		r.Claims[name] = slices.Clone(value)
	}
	return r
}

// compact writes the claims as JSON without spaces, as every store does. A
// claim that is no JSON is an error.
func compact(claims map[string]json.RawMessage) error {
	for name, value := range claims {
		var b bytes.Buffer
		if err := json.Compact(&b, value); err != nil {
			return err
		}
		claims[name] = b.Bytes()
	}
	return nil
}

// copyKey shares nothing with r.
func copyKey(r keyring.Record) keyring.Record {
	keep(&r.CreatedAt, &r.SignsFrom, &r.SignsTo, &r.GoneAt)
	r.Sealed, r.Public = bytes.Clone(r.Sealed), bytes.Clone(r.Public)
	return r
}

// copySession shares nothing with r.
func copySession(r session.Row) session.Row {
	keep(&r.EndedAt, &r.RotatedAt, &r.HeldAt, &r.ConfirmedAt, &r.AuthTime, &r.Idle, &r.Absolute, &r.CreatedAt, &r.SeenAt)
	r.Methods, r.Events = some(r.Methods), some(r.Events)
	for i := range r.Events {
		keep(&r.Events[i].At)
	}
	return r
}
