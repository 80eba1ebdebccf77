package main

import (
	"bufio"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/internal/problem"
	"github.com/jotkeeper/jotkeeper/jwt"
)

// What the server does not understand is answered with a status and a code,
// over a real connection, and the next request on another is served.
func TestWhatIsNotUnderstood(t *testing.T) {
	s := launch(t, t.TempDir())
	const formed, jsoned = "application/x-www-form-urlencoded", "application/json"
	for _, c := range []struct {
		what, method, path, kind, body string
		status                         int
		code                           string
	}{
		{"half a JSON object", "POST", "/session", jsoned, `{"username":"ada"`, 400, "malformed_request"},
		{"a member twice", "POST", "/session", jsoned, `{"username":"ada","username":"eve"}`, 400, "malformed_request"},
		{"a form with a bad escape", "POST", "/session", formed, "username=%zz", 400, "malformed_request"},
		{"one byte too much", "POST", "/session", formed, "username=" + strings.Repeat("a", 64<<10-len("username=")+1), 413, "too_large"},
		{"a megabyte", "POST", "/accounts", jsoned, `"` + strings.Repeat("a", 1<<20) + `"`, 413, "too_large"},
		{"another content type", "POST", "/session", "text/xml", "<session/>", 415, "unsupported_media_type"},
		{"a verb that the route has not", "PUT", "/session", formed, "", 405, "method_not_allowed"},
		{"a verb that nobody has", "BREW", "/sessions", "", "", 405, "method_not_allowed"},
		{"a route that is not there", "GET", "/sesion", "", "", 404, "not_found"},
		{"a way out of a path", "GET", "/accounts/../session", "", "", 404, "not_found"},
	} {
		t.Run(c.what, func(t *testing.T) {
			status, header, body := sendRaw(t, s, c.method, c.path, c.kind, c.body)
			if status != c.status || !strings.Contains(body, `"code":"`+c.code+`"`) {
				t.Errorf("answered %d %s, want %d %s", status, body, c.status, c.code)
			}
			if kind := header.Get("Content-Type"); !strings.Contains(kind, "json") {
				t.Errorf("answered as %q, want JSON: a client that expects it would hang", kind)
			}
		})
	}
	if status, _, body := asks(t, "GET", s.url+"/readyz"); status != http.StatusOK {
		t.Errorf("afterwards the server answers %d %s", status, body)
	}
}

// sendRaw sends a request whose path no client has cleaned.
func sendRaw(t *testing.T, s *server, method, path, kind, body string) (int, http.Header, string) {
	t.Helper()
	addr := strings.TrimPrefix(s.url, "http://")
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", method, path, addr, len(body))
	if kind != "" {
		head += "Content-Type: " + kind + "\r\n"
	}
	// What is too large is answered before it is read, so the rest may not get through.
	go io.WriteString(conn, head+"\r\n"+body)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(text)
}

// A042 over the network: tokens under keys that nobody has cost the issuer one
// fetch, and the valid ones among them go on being accepted.
func TestA042AFloodOfUnknownKeysAtAService(t *testing.T) {
	s := launch(t, t.TempDir()) // a key set is fresh for 5 minutes, so nothing else fetches it
	g := newGate(t, s.url)
	status, _, body := asks(t, "POST", s.url+"/accounts", "username=ada", "password="+moss, "transport=body")
	if status != http.StatusCreated {
		t.Fatalf("%d %s", status, body)
	}
	good := read[tokens](t, body).Result.Access
	client := &http.Client{Timeout: patience}
	if status, body := g.ask(t, client, good); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	before := g.fetches()
	_, rest, _ := strings.Cut(good, ".")
	answers := map[string]int{}
	for range 500 {
		kid := make([]byte, 32)
		rand.Read(kid)
		header := fmt.Sprintf(`{"alg":"ES256","kid":"%s","typ":"at+jwt"}`, base64.RawURLEncoding.EncodeToString(kid))
		status, body := g.ask(t, client, base64.RawURLEncoding.EncodeToString([]byte(header))+"."+rest)
		code := regexp.MustCompile(`"code":"(\w+)"`).FindStringSubmatch(body)
		if code == nil {
			t.Fatalf("answered %d %s", status, body)
		}
		answers[fmt.Sprint(status, " ", code[1])]++
		if status, body := g.ask(t, client, good); status != http.StatusOK {
			t.Fatalf("the valid token is answered %d %s", status, body)
		}
	}
	if n := g.fetches() - before; n != 1 {
		t.Errorf("the flood made the service fetch the key set %d times, want once", n)
	}
	if answers["401 key"]+answers["503 unavailable"] != 500 || answers["401 key"] == 0 {
		t.Errorf("the flood was answered %v", answers)
	}
}

func (g *gate) fetches() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.began)
}

// Tokens that are past their time, of others, for others, or not begun: each is
// refused by a service for its own reason, and the good one among them passes.
func TestTokensThatAServiceRefuses(t *testing.T) {
	homes := []string{t.TempDir(), t.TempDir()}
	s := launch(t, homes[0])
	stranger := launch(t, homes[1])
	g := newGate(t, s.url)
	sign := func(home string, args ...string) string {
		args = append([]string{"token", "sign", "--subject", "42"}, args...)
		return strings.TrimSpace(jotkeeper(t, []string{"HOME=" + home}, "", args...).wants(t, exitOK).Out)
	}
	good := sign(homes[0], "--audience", "localhost")
	revoked := func() string {
		_, _, body := asks(t, "POST", s.url+"/accounts", "username=ada", "password="+moss, "transport=body")
		got := read[tokens](t, body).Result
		if status, _, body := asks(t, "DELETE", s.url+"/session", "refresh_token="+got.Refresh); status != http.StatusOK {
			t.Fatalf("logout: %d %s", status, body)
		}
		return got.Access
	}()
	own := keyFile(t, jwt.ES256)
	for _, c := range []struct {
		what, raw, at string
		status        int
		code          string
	}{
		{"good", good, g.url, 200, ""},
		{"expired", sign(homes[0], "--audience", "localhost", "--ago", "1h"), g.url, 401, "expired"},
		{"for another service", sign(homes[0], "--audience", "shop"), g.url, 401, "audience"},
		{"of another kind", sign(homes[0], "--audience", "localhost", "--typ", "reset+jwt"), g.url, 401, "header"},
		{"of another server", sign(homes[1], "--audience", "localhost"), g.url, 401, "key"},
		{"by a key of one's own", sign(homes[0], "--audience", "localhost", "--key", own, "--issuer", s.url), g.url, 503, "unavailable"}, // within the cool-down of the one before
		{"no token at all", "hello", g.url, 401, "malformed"},
		{"revoked", revoked, s.url + "/revocation/v1/check", 401, "revoked"},
		{"good, at the issuer", good, s.url + "/revocation/v1/check", 200, ""},
	} {
		gate := &gate{url: c.at}
		status, body := gate.ask(t, http.DefaultClient, c.raw)
		if status != c.status || c.code != "" && !strings.Contains(body, `"code":"`+c.code+`"`) {
			t.Errorf("%s: answered %d %s, want %d %s", c.what, status, body, c.status, c.code)
		}
	}
	if code, err := stranger.stop("TERM"); code != exitOK || err != nil {
		t.Error(code, err)
	}
}

const failuresPage = "../../docs/reference/failures.md"

// A promise of the page is a row with the tests that keep it.
type promise struct {
	what, terminal, http string
	tests                []string
}

var (
	exitCode  = regexp.MustCompile(`\bexit (\d)\b`)
	httpCode  = regexp.MustCompile("\\b([1-5]\\d\\d) `(\\w+)`")
	tableLine = regexp.MustCompile(`^\| (.+) \| (.+) \| (.+) \| (.+) \|$`)
)

// promises reads the page's tables.
func promises(page string) (all []promise) {
	for line := range strings.Lines(page) {
		m := tableLine.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil || m[1] == "what goes wrong" || strings.HasPrefix(m[1], "---") {
			continue
		}
		p := promise{what: m[1], terminal: m[2], http: m[3]}
		for i, name := range strings.Split(m[4], "`") {
			if i%2 == 1 {
				p.tests = append(p.tests, name)
			}
		}
		all = append(all, p)
	}
	return all
}

// broken says what a page promises that is not so: a row whose tests do not
// exist, an exit code or a code over HTTP that the program has not.
func (p promise) broken(t *testing.T) (all []string) {
	complain := func(format string, args ...any) { all = append(all, p.what+": "+fmt.Sprintf(format, args...)) }
	if len(p.tests) == 0 {
		complain("no test is named")
	}
	for _, name := range p.tests {
		if !testExists(t, name) {
			complain("there is no test %s", name)
		}
	}
	for _, m := range exitCode.FindAllStringSubmatch(p.terminal, -1) {
		if n, _ := strconv.Atoi(m[1]); n >= len(exitCodes) {
			complain("there is no exit code %s", m[1])
		}
	}
	for _, m := range httpCode.FindAllStringSubmatch(p.http, -1) {
		if _, known := problem.Codes()[problem.Code(m[2])]; !known || strconv.Itoa(problem.Status(problem.Code(m[2]))) != m[1] {
			complain("no answer is %s with the code %s", m[1], m[2])
		}
	}
	return all
}

// Every failure that the page describes names the tests that prove it, and
// they exist; its exit codes and its codes over HTTP are the program's.
func TestFailuresPage(t *testing.T) {
	page, err := os.ReadFile(failuresPage)
	if err != nil {
		t.Fatal(err)
	}
	all := promises(string(page))
	if len(all) < 30 {
		t.Fatalf("the page has %d rows", len(all))
	}
	for _, p := range all {
		for _, complaint := range p.broken(t) {
			t.Error(complaint)
		}
	}
}

func TestFailuresPageGoesRed(t *testing.T) {
	const fine = "| it rains | exit 7 | 503 `unavailable` | `cmd/jotkeeper TestKillServe`, `cmd/jotkeeper TestStories/keys`, `TestAnIssuerThatIsDownIsNoLogout` |\n"
	for from, to := range map[string]string{
		"":             "",
		"TestKill":     "TestKil",
		"Stories/keys": "Stories/kees",
		"`TestAn":      "`cmd/jotkeeper TestAn",
		"exit 7":       "exit 9",
		"503":          "500",
		"unavailable":  "unavailing",
		"`":            "'",
	} {
		rows := promises(strings.ReplaceAll(fine, from, to))
		if len(rows) != 1 {
			t.Fatalf("%d rows", len(rows))
		}
		if red := len(rows[0].broken(t)) > 0; red != (from != "") {
			t.Errorf("with %q for %q: red %v", to, from, red)
		}
	}
}

// testExists looks for "room Test" in the sources of the room, for "Test" in
// those of the root; a story is a file.
func testExists(t *testing.T, name string) bool {
	t.Helper()
	room, test, found := strings.Cut(name, " ")
	if !found {
		room, test = "", name
	}
	if story, ok := strings.CutPrefix(test, "TestStories/"); ok {
		_, err := os.Stat(filepath.Join("../..", room, "testdata/script", story+".txt"))
		return err == nil
	}
	files, err := filepath.Glob(filepath.Join("../..", room, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+test+"(t *testing.T) {") {
			return true
		}
	}
	return false
}
