package authserver_test

import (
	"strings"
	"testing"
)

func TestAnEveningIsCounted(t *testing.T) {
	h := inMemory(t)
	p := h.program("ada")
	h.do("POST", "/session", form("username", "ada", "password", "wrong"))
	h.do("POST", "/session", form("username", "ada", "password", good))
	h.do("POST", "/session/refresh", form("refresh_token", p.Refresh))
	h.do("POST", "/session/refresh", form("refresh_token", "jkr_x"))
	h.do("POST", "/session/refresh", form())
	h.do("GET", "/jwks")
	h.do("GET", "/revocation/v1/check", bearer(p.Access))
	h.do("GET", "/sessions", bearer(p.Access))
	h.do("DELETE", "/session", bearer(p.Access))
	h.do("GET", "/revocation/v1/check", bearer(p.Access))
	h.do("GET", "/revocation/v1/check", bearer("x"))
	h.do("GET", "/metrics")
	text := h.do("GET", "/metrics", asAdmin).want(200).body
	for _, line := range []string{
		`jotkeeper_logins_total{result="ok"} 1`,
		`jotkeeper_logins_total{result="failed"} 1`,
		`jotkeeper_refresh_total{outcome="rotate"} 1`,
		`jotkeeper_refresh_total{outcome="malformed"} 1`,
		`jotkeeper_refresh_total{outcome="missing"} 1`,
		`jotkeeper_jwks_requests_total 1`,
		`jotkeeper_verify_total{result="ok"} 2`,
		`jotkeeper_verify_total{result="audience"} 1`,
		`jotkeeper_verify_total{result="revoked"} 1`,
		`jotkeeper_verify_total{result="malformed"} 1`,
		`jotkeeper_revocations_total{kind="sid"} 1`,
		`jotkeeper_admin_refusals_total 1`,
		`jotkeeper_request_duration_seconds_count{code="201",method="POST",route="/session/refresh"} 1`,
		`jotkeeper_published_keys `,
		`jotkeeper_key_age_seconds `,
		`jotkeeper_revocation_stale 1`, // nobody follows the log in this house
		`jotkeeper_revocation_rules{scope="sid"} 1`,
		`jotkeeper_revocation_rules{scope="sub"} 0`,
	} {
		if !strings.Contains(text, line) {
			t.Errorf("no %q", line)
		}
	}
}
