package metrics_test

import (
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jotkeeper/jotkeeper/internal/metrics"
	"github.com/jotkeeper/jotkeeper/revocation"
)

func scrape(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	text, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAnEveningInFigures(t *testing.T) {
	m := metrics.New("/session")
	m.Login("ok")
	m.Login("failed")
	m.Login("failed")
	m.Refresh("rotate")
	m.Verified("revoked")
	m.Revoked("sid", 3)
	m.KeySet()
	m.Refused()
	m.Panicked()
	m.Request("/session", "POST", 201, 3*time.Millisecond)
	m.Gauge("key_age_seconds", "Age of the signing key.", func() float64 { return 7 })
	text := scrape(t, m)
	for _, line := range []string{
		`jotkeeper_logins_total{result="ok"} 1`,
		`jotkeeper_logins_total{result="failed"} 2`,
		`jotkeeper_refresh_total{outcome="rotate"} 1`,
		`jotkeeper_verify_total{result="revoked"} 1`,
		`jotkeeper_revocations_total{kind="sid"} 3`,
		`jotkeeper_jwks_requests_total 1`,
		`jotkeeper_admin_refusals_total 1`,
		`jotkeeper_panics_total 1`,
		`jotkeeper_request_duration_seconds_count{code="201",method="POST",route="/session"} 1`,
		`jotkeeper_request_duration_seconds_bucket{code="201",method="POST",route="/session",le="0.005"} 1`,
		`jotkeeper_key_age_seconds 7`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no line %q in\n%s", line, text)
		}
	}
}

// A183: what a client thinks up does not become a label.
func TestA183LabelsAreBounded(t *testing.T) {
	m := metrics.New("/session")
	for i := range 1000 {
		made := fmt.Sprintf("made-up-%d\n", i)
		m.Login(made)
		m.Refresh(made)
		m.Verified(made)
		m.Revoked(made, 1)
		m.Request("/"+made, made, 1000+i, time.Second)
	}
	text := scrape(t, m)
	if strings.Contains(text, "made-up") {
		t.Error("a made-up value became a label")
	}
	series := 0
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "jotkeeper_") {
			series++
		}
	}
	// four counters with one value each, three plain ones, one histogram of 14 buckets, +Inf, sum and count
	if want := 4 + 3 + 14 + 3; series != want {
		t.Errorf("%d series, want %d", series, want)
	}
}

func ruled(t *testing.T, text, line string) {
	t.Helper()
	if !strings.Contains(text, line+"\n") {
		t.Errorf("no line %q in\n%s", line, text)
	}
}

// What an index knows, and since when, is told at each scrape.
func TestTheRulesInFigures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, x := metrics.New(), revocation.NewIndex("https://id.example.com")
		m.Rules(x)
		text := scrape(t, m)
		ruled(t, text, "jotkeeper_revocation_stale 1")
		if strings.Contains(text, "jotkeeper_revocation_lag_seconds") {
			t.Error("a lag is told although nothing was ever heard")
		}
		for i, scope := range []revocation.Scope{"jti", "sid", "sid", "sub", "tid", "kid", "iss"} {
			id := fmt.Sprint(i)
			if scope == revocation.ScopeIssuer {
				id = "https://id.example.com"
			}
			if err := x.Apply(revocation.Entry{Rule: revocation.Rule{Scope: scope, ID: id, Action: revocation.Revoke}}); err != nil {
				t.Fatal(err)
			}
		}
		x.Heard(time.Now())
		<-time.After(1500 * time.Millisecond)
		text = scrape(t, m)
		ruled(t, text, "jotkeeper_revocation_stale 0")
		ruled(t, text, "jotkeeper_revocation_lag_seconds 1.5")
		for scope, n := range map[string]int{"jti": 1, "sid": 2, "sub": 1, "tid": 1, "kid": 1, "iss": 1} {
			ruled(t, text, fmt.Sprintf("jotkeeper_revocation_rules{scope=%q} %d", scope, n))
		}
		<-time.After(501 * time.Millisecond)
		ruled(t, scrape(t, m), "jotkeeper_revocation_stale 1")
		if x.RulesOf("nothing") != 0 {
			t.Error("an unknown scope has rules")
		}
	})
}
