package metrics_test

import (
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/internal/metrics"
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
