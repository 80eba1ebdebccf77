package problem_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/internal/problem"
)

func write(p problem.Problem) *http.Response {
	r := httptest.NewRequest("GET", "/", nil)
	w := httptest.NewRecorder()
	problem.Write(w, r.WithContext(problem.WithRequestID(r.Context(), "req-1")), p)
	return w.Result()
}

func TestARevokedTokenIsToldHowToGoOn(t *testing.T) {
	res := write(problem.Problem{Code: "revoked"})
	if res.StatusCode != 401 {
		t.Errorf("status %d, want 401", res.StatusCode)
	}
	want := `Bearer error="invalid_token", error_description="This session has ended.", reason="revoked"`
	if got := res.Header.Get("WWW-Authenticate"); got != want {
		t.Errorf("challenge\n got %s\nwant %s", got, want)
	}
	if got := res.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q, want no-store", got)
	}
	var b map[string]any
	if err := json.NewDecoder(res.Body).Decode(&b); err != nil {
		t.Fatal(err)
	}
	for k, want := range map[string]any{"type": "about:blank", "title": "Unauthorized", "status": 401.0, "code": "revoked",
		"detail": "This session has ended.", "hint": "Log in again.", "request_id": "req-1"} {
		if b[k] != want {
			t.Errorf("%s: got %v, want %v", k, b[k], want)
		}
	}
	if _, bad := b["errors"]; bad {
		t.Error("a problem must never have a member errors: the published browser client reads it as a validation failure")
	}
}

func TestChallenges(t *testing.T) {
	for _, c := range []struct {
		p      problem.Problem
		status int
		want   string
	}{
		{problem.Problem{Code: "missing"}, 401, "Bearer"},
		{problem.Problem{Code: "scope", Scope: "pay"}, 403, `Bearer error="insufficient_scope", error_description="The token does not carry the scope that this needs.", scope="pay", reason="scope"`},
		{problem.Problem{Code: "ambiguous"}, 400, `Bearer error="invalid_request", error_description="The request carries two different credentials.", reason="ambiguous"`},
		{problem.Problem{Code: "scope", Scope: "a\", x=\"\r\nSet-Cookie: é"}, 403, `Bearer error="insufficient_scope", error_description="The token does not carry the scope that this needs.", scope="a?, x=???Set-Cookie: ?", reason="scope"`},
		{problem.Problem{Code: "unavailable"}, 503, ""},
		{problem.Problem{Code: problem.NotFound}, 404, ""},
	} {
		res := write(c.p)
		if got := res.Header.Get("WWW-Authenticate"); got != c.want || res.StatusCode != c.status {
			t.Errorf("%s: %d %s\nwant %d %s", c.p.Code, res.StatusCode, got, c.status, c.want)
		}
	}
}

func TestUnavailableSaysWhenToComeBack(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "1", time.Millisecond: "1", 1500 * time.Millisecond: "2", 3 * time.Second: "3"} {
		if got := write(problem.Problem{Code: "unavailable", RetryAfter: d}).Header.Get("Retry-After"); got != want {
			t.Errorf("%v: Retry-After %s, want %s", d, got, want)
		}
	}
}

// A181: what is not in the closed list becomes a 500 without a word of its cause.
func TestA181TheUnknownIsWordless(t *testing.T) {
	for _, p := range []problem.Problem{
		{Code: "sql: no rows in /var/lib/x.db", Detail: "SELECT secret"},
		{Code: problem.Internal, Detail: "panic at key.go:12"},
	} {
		w := httptest.NewRecorder()
		problem.Write(w, httptest.NewRequest("GET", "/", nil), p)
		if w.Code != 500 {
			t.Errorf("status %d, want 500", w.Code)
		}
		for _, leak := range []string{"sql", "SELECT", "panic", "key.go", "/var"} {
			if strings.Contains(w.Body.String(), leak) {
				t.Errorf("%q leaked: %s", leak, w.Body)
			}
		}
	}
}

func TestRequestIDsDiffer(t *testing.T) {
	a, b := problem.NewRequestID(), problem.NewRequestID()
	if a == b || len(a) != 16 {
		t.Errorf("%s, %s", a, b)
	}
}

func TestPublishedClientsReadTheSameRefusal(t *testing.T) {
	r := httptest.NewRequest("POST", "/session", nil)
	w := httptest.NewRecorder()
	problem.WriteCompatible(w, r.WithContext(problem.WithRequestID(r.Context(), "req-1")), problem.Problem{Code: "unavailable", RetryAfter: 1500 * time.Millisecond})
	if w.Code != 503 || w.Header().Get("Retry-After") != "2" || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("got %d, %v", w.Code, w.Header())
	}
	want := `{"error":"This cannot be decided at the moment.","code":"unavailable","hint":"Wait as Retry-After says, then repeat the request; the session is still good.","request_id":"req-1"}`
	if got := strings.TrimSpace(w.Body.String()); got != want {
		t.Errorf("body\n got %s\nwant %s", got, want)
	}
	w = httptest.NewRecorder()
	problem.WriteCompatible(w, r, problem.Problem{Code: "idle"})
	if w.Code != 401 || !strings.Contains(w.Header().Get("WWW-Authenticate"), `reason="idle"`) || strings.Contains(w.Body.String(), `"errors"`) {
		t.Errorf("got %d, %v, %s", w.Code, w.Header(), w.Body)
	}
}

func TestAHintMaySpeakOfWhatWasMeant(t *testing.T) {
	for code, want := range map[problem.Code]string{"malformed": "it begins with jkr_", problem.Internal: "Repeat the request"} {
		w := httptest.NewRecorder()
		problem.Write(w, httptest.NewRequest("GET", "/", nil), problem.Problem{Code: code, Hint: "it begins with jkr_"})
		if !strings.Contains(w.Body.String(), `"hint":"`+want) {
			t.Errorf("%s: %s, want the hint %s", code, w.Body, want)
		}
	}
}
