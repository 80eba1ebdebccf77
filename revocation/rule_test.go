package revocation_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/revocation"
)

func TestRulesThatNameNothingAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*revocation.Rule)
		says   string
	}{
		"empty ID":       {func(r *revocation.Rule) { r.ID = "" }, "empty sid"},
		"empty scope":    {func(r *revocation.Rule) { r.Scope = "" }, `unknown scope ""`},
		"unknown scope":  {func(r *revocation.Rule) { r.Scope = "SID" }, `unknown scope "SID"`},
		"no action":      {func(r *revocation.Rule) { r.Action = revocation.None }, "unknown action 0"},
		"unknown action": {func(r *revocation.Rule) { r.Action = 3 }, "unknown action 3"},
		"never in force": {func(r *revocation.Rule) { r.From = r.Until.Add(1) }, "in force from"},
	} {
		t.Run(name, func(t *testing.T) {
			r := revocation.SessionEnded("phone", "logout", noon)
			if err := r.Validate(); err != nil {
				t.Fatalf("before the change: %v", err)
			}
			c.change(&r)
			err := r.Validate()
			if !errors.Is(err, revocation.ErrBadRule) || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("got %v, want ErrBadRule that says %q", err, c.says)
			}
			if err := revocation.NewIndex(issuer).Apply(entry(1, r)); !errors.Is(err, revocation.ErrBadRule) {
				t.Fatalf("the index takes it: %v", err)
			}
		})
	}
}

func TestRuleIsLiveFromFromUntilUntil(t *testing.T) {
	r := revocation.SessionEnded("phone", "reused", noon.Add(time.Minute))
	r.From = noon
	for offset, want := range map[time.Duration]bool{
		-time.Microsecond: false, 0: true, time.Minute: true, time.Minute + time.Microsecond: false,
	} {
		if got := r.Live(noon.Add(offset)); got != want {
			t.Errorf("live %v after From: %v, want %v", offset, got, want)
		}
	}
	r.From, r.Until = time.Time{}, time.Time{}
	if !r.Live(time.Time{}) || !r.Live(noon.AddDate(1000, 0, 0)) {
		t.Error("without bounds a rule is always in force")
	}
}

func TestConstructorsNameTheirScope(t *testing.T) {
	until := noon.Add(time.Hour)
	for _, c := range []struct {
		rule   revocation.Rule
		scope  revocation.Scope
		action revocation.Action
	}{
		{revocation.SessionEnded("id", "why", until), revocation.ScopeSession, revocation.Revoke},
		{revocation.SubjectEnded("id", "why", until), revocation.ScopeSubject, revocation.Revoke},
		{revocation.SubjectChanged("id", "why", until), revocation.ScopeSubject, revocation.Rotate},
		{revocation.KeyCompromised("id", "why", until), revocation.ScopeKey, revocation.Revoke},
	} {
		want := revocation.Rule{Scope: c.scope, ID: "id", Action: c.action, Reason: "why", Until: until}
		if c.rule != want || c.rule.Validate() != nil {
			t.Errorf("got %+v, want %+v", c.rule, want)
		}
	}
}

func TestActionsHaveNames(t *testing.T) {
	for a, want := range map[revocation.Action]string{
		revocation.None: "none", revocation.Rotate: "rotate", revocation.Revoke: "revoke", 9: "unknown",
	} {
		if a.String() != want {
			t.Errorf("action %d is called %q, want %q", a, a, want)
		}
	}
}
