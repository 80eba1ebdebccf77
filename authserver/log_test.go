package authserver_test

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"unicode"

	"github.com/jotkeeper/jotkeeper/authserver"
)

// A179: whatever is sent, a request is one line of visible ASCII.
func TestA179ARequestIsOneLine(t *testing.T) {
	for name, make := range map[string]func(*lines) slog.Handler{
		"json": func(l *lines) slog.Handler { return slog.NewJSONHandler(l, nil) },
		"text": func(l *lines) slog.Handler { return slog.NewTextHandler(l, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			out := &lines{}
			h := inMemory(t, func(c *authserver.Config) { c.Log = slog.New(make(out)) })
			nasty := "a\r\nlevel=ERROR msg=forged\x1b[2J\u202e\u2028\x9b\x7f" + strings.Repeat("x", 1<<20)
			h.do("POST", "/session", header("User-Agent", nasty), form("username", nasty[:900], "password", nasty))
			h.do("BREW\u202e"[:4], "/session", header("User-Agent", nasty), func(r *http.Request) { r.Method, r.Host = nasty, nasty })
			h.do("GET", "/"+strings.Repeat("%0a%1b", 100), header("Authorization", nasty), header("X-Forwarded-For", nasty), header("Referer", nasty))
			text := out.String()
			if got := strings.Count(text, "\n"); got != 3 {
				t.Errorf("%d lines, want 3:\n%.2000s", got, text)
			}
			if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && r != '…' && (r > unicode.MaxASCII || r < ' ' || r == 0x7f) }); i >= 0 {
				t.Errorf("an invisible character at %d of %.500q", i, text[max(0, i-20):])
			}
			if len(text) > 6000 {
				t.Errorf("%d bytes were logged", len(text))
			}
		})
	}
}

func TestALineTellsWhatHappened(t *testing.T) {
	h := inMemory(t)
	r := h.do("POST", "/accounts", from(app), header("User-Agent", "curl/8"), form("username", "Ada.Lovelace", "password", good)).want(201)
	var line map[string]any
	h.must(json.Unmarshal([]byte(h.log.String()), &line))
	for name, want := range map[string]any{"msg": "request", "method": "POST", "route": "/accounts", "status": 201.0,
		"request_id": r.Header.Get("X-Request-Id"), "address": "192.0.2.1", "agent": "curl/8", "account": "1", "sid": claims(t, r.tokens().Access)["sid"]} {
		if line[name] != want {
			t.Errorf("%s: %v, want %v", name, line[name], want)
		}
	}
	for _, never := range []string{good, "Ada", "Lovelace", r.cookie().Value, r.tokens().Access} {
		if strings.Contains(h.log.String(), never) {
			t.Errorf("the log holds %q", never)
		}
	}
}

// A181: what went wrong is told by its code, never by its inside.
func TestA181RefusalsTellNothingOfTheInside(t *testing.T) {
	h := inMemory(t)
	_, first := h.browse("ada")
	h.must(h.backend.Close())
	kid := h.keys.Stats().Signing
	for _, l := range authserver.Table() {
		for _, asks := range [][]ask{{}, {asAdmin}, {bearer(first.Access)}, {from(app), form("username", "ada", "password", good)}} {
			r := h.do(l.Method, at(l.Pattern), asks...)
			if r.StatusCode < 400 {
				continue
			}
			said := strings.ReplaceAll(r.body, r.Header.Get("X-Request-Id"), "") // random letters spell anything
			for _, inside := range []string{"goroutine", ".go:", "memory", "sql", "SELECT", "closed", "/work", "/tmp", "0x", kid, "store:", "panic"} {
				if strings.Contains(said, inside) {
					t.Errorf("%s %s: %d says %q: %s", l.Method, l.Pattern, r.StatusCode, inside, r.body)
				}
			}
			if ct := r.Header.Get("Content-Type"); r.body != "" && ct != "application/json" && ct != "application/problem+json" {
				t.Errorf("%s %s: %d with Content-Type %q", l.Method, l.Pattern, r.StatusCode, ct)
			}
		}
	}
}

// A182: a panic is one request's, and is counted.
func TestA182APanicIsOneRequestsOnly(t *testing.T) {
	h := inMemory(t)
	cookie, _ := h.browse("ada")
	h.clock.explode(true)
	r := h.do("POST", "/session", from(app), form("username", "ada", "password", good)).wantCode(500, "internal")
	if strings.Contains(r.body, "boom") {
		t.Errorf("the cause got out: %s", r.body)
	}
	h.do("GET", "/sessions", from(app), with(cookie)).wantCode(500, "internal")
	h.clock.explode(false)
	h.do("GET", "/sessions", from(app), with(cookie)).want(200)
	if !strings.Contains(h.do("GET", "/metrics", asAdmin).want(200).body, "jotkeeper_panics_total 2\n") {
		t.Error("the panics were not counted")
	}
	if !strings.Contains(h.log.String(), `"cause":"boom"`) || !strings.Contains(h.log.String(), `"status":500`) {
		t.Errorf("log: %s", h.log)
	}
}

// A183: no label of a metric comes from a client.
func TestA183StrangersMakeNoMetrics(t *testing.T) {
	h := inMemory(t)
	series := func() int {
		return strings.Count(h.do("GET", "/metrics", asAdmin).want(200).body, "\njotkeeper_")
	}
	knock := func(name string) {
		h.do("GET", "/"+name)
		h.do("BREW"+name, "/session")
		h.do("POST", "/session", form("username", name, "password", name))
		h.do("POST", "/session/refresh", form("refresh_token", name))
		h.do("GET", "/revocation/v1/check", bearer(name))
		h.do("DELETE", "/sessions/"+name, bearer(name))
		h.do("GET", "/accounts/"+name, asAdmin)
	}
	series() // the scrape itself is a request
	knock("0")
	before := series()
	for i := range 50 {
		knock(strings.Repeat("z", i+1))
	}
	if after := series(); after != before {
		t.Errorf("%d series became %d", before, after)
	}
}

// A096, and the law behind it: trouble is 503 with Retry-After, never a 401
// that makes clients forget, never a 200 that is not true.
func TestA096TroubleIsNeverALogoutAndNeverSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := inMemory(t)
		cookie, first := h.browse("ada")
		own := h.do("POST", "/session", form("username", "ada", "password", good, "transport", "body", "audience", issuer)).want(201).tokens()
		h.must(h.backend.Close())
		trouble(t, h, cookie, first, own)
	})
}

func TestWithoutAClockNothingIsDecided(t *testing.T) {
	h := inMemory(t)
	cookie, first := h.browse("ada")
	own := h.do("POST", "/session", form("username", "ada", "password", good, "transport", "body", "audience", issuer)).want(201).tokens()
	h.clock.fail(errClock)
	trouble(t, h, cookie, first, own)
	h.do("GET", "/readyz?verbose").want(503)
}

func trouble(t *testing.T, h *house, cookie *http.Cookie, first, own tokens) {
	t.Helper()
	for name, r := range map[string]*reply{
		"sign-up":         h.do("POST", "/accounts", from(app), form("username", "bob", "password", good)),
		"login":           h.do("POST", "/session", from(app), form("username", "ada", "password", good)),
		"refresh, cookie": h.do("GET", "/session/refresh", from(app), with(cookie)),
		"refresh, two":    h.do("GET", "/session/refresh", from(app), with(cookie, cookie)),
		"refresh, body":   h.do("POST", "/session/refresh", form("refresh_token", own.Refresh)),
		"logout, cookie":  h.do("DELETE", "/session", from(app), with(cookie)),
		"logout, bearer":  h.do("DELETE", "/session", bearer(first.Access)),
		"logout, body":    h.do("DELETE", "/session", form("refresh_token", own.Refresh)),
		"list, cookie":    h.do("GET", "/sessions", from(app), with(cookie)),
		"list, bearer":    h.do("GET", "/sessions", bearer(own.Refresh)),
		"list, access":    h.do("GET", "/sessions", bearer(own.Access)),
		"end one":         h.do("DELETE", "/sessions/AAAAAAAAAAAAAAAAAAAAAA", bearer(own.Refresh)),
		"end others":      h.do("DELETE", "/sessions", bearer(own.Refresh)),
		"check":           h.do("GET", "/revocation/v1/check", bearer(first.Access)),
		"password":        h.do("POST", "/password", from(app), with(cookie), form("currentPassword", good, "password", "another-kettle-43")),
		"lock":            h.do("PATCH", "/accounts/1/lock", asAdmin),
		"unlock":          h.do("PATCH", "/accounts/1/unlock", asAdmin),
		"introspect":      h.do("POST", "/oauth2/introspect", asAdmin, form("token", first.Access)),
		"introspect jkr_": h.do("POST", "/oauth2/introspect", asAdmin, form("token", own.Refresh)),
		"introspect, key": h.do("POST", "/oauth2/introspect", asAdmin, form("token", foreign(t, first.Access))),
		"revoke, key":     h.do("POST", "/oauth2/revoke", form("token", foreign(t, first.Access))),
		"revoke":          h.do("POST", "/oauth2/revoke", form("token", first.Access)),
		"revoke jkr_":     h.do("POST", "/oauth2/revoke", form("token", own.Refresh)),
		"rename":          h.do("PATCH", "/accounts/1", asAdmin, form("username", "eve")),
	} {
		if r.StatusCode != 503 || r.Header.Get("Retry-After") == "" || len(r.Cookies()) != 0 || !strings.Contains(r.body, `"code":"unavailable"`) {
			t.Errorf("%s: %d %v %s", name, r.StatusCode, r.Header, r.body)
		}
	}
}

func TestHealthTellsTheTruth(t *testing.T) {
	h := inMemory(t)
	h.do("GET", "/health").want(200).wantBody(`{"http":true,"db":true}`)
	h.do("GET", "/healthz").want(200).wantBody(`{"status":"ok"}`)
	h.do("GET", "/version").want(200).wantBody(`{"version":"test"}`)
	h.do("GET", "/readyz").want(503).wantBody(`{"status":"unready"}`) // nobody follows the rules in this house yet
	h.index.Heard(realNow())
	h.do("GET", "/readyz").want(200).wantBody(`{"status":"ready"}`)
	h.must(h.backend.Close())
	h.do("GET", "/health").want(503).wantBody(`{"http":true,"db":false}`)
	h.do("GET", "/healthz").want(200)
	h.do("GET", "/readyz?verbose").want(503).wantBody(`{"status":"unready","checks":{"clock":"ok","keys":"ok","revocations":"ok","store":"failing"}}`)
}

var errClock = errors.New("the clock is off")
