package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/internal/needs"
)

const ada = `{ username: "ada", password: "moss-kettle-orbit-42" }`

// An evening in a browser: one session for all tabs, and one end.
func TestPageSharesOneSession(t *testing.T) {
	t.Parallel()
	b := openBrowser(t)
	first := b.tab()
	first.want("id.resume()", "false")
	first.want("order()", "missing: Nobody is logged in.")
	first.want("id.signUp("+ada+").then(() => id.claims.sub)", "1")
	first.want("order()", "200 tea")
	first.want("id.fetch('/shown').then(r => r.text())", "") // its own origin is no service

	asked := b.road.count()
	second := b.tab()
	second.want("id.resume()", "true")
	second.want("order()", "200 tea")
	if b.road.count() != asked {
		t.Error("a second tab asked the server, though the first had a token")
	}
	if first.does("id.claims.jti") != second.does("id.claims.jti") {
		t.Error("two tabs hold two tokens")
	}

	second.want("id.logOut()", "undefined")
	first.becomes(`changes.at(-1) === "out"`)
	first.want("order()", "missing: Nobody is logged in.")
	first.want("id.resume()", "false")
	first.want("id.logIn({ username: 'ada', password: 'wrong' }).catch(e => e.status + JSON.stringify(e.errors))", `422[{"field":"credentials","message":"FAILED"}]`)
	first.want("id.logIn("+ada+").then(() => order())", "200 tea")
	second.becomes(`changes.length === 3`)
	second.want("order()", "200 tea")
}

// A page that is loaded again finds its session by the cookie alone: no token
// is kept where script of another visit would find it (A055).
func TestPageResumesByItsCookie(t *testing.T) {
	t.Parallel()
	b := openBrowser(t)
	p := b.tab()
	sid := p.does("id.signUp(" + ada + ").then(() => id.claims.sid)")
	p.want("document.cookie + Object.keys(localStorage) + Object.keys(sessionStorage)", "")
	p.close()
	asked := b.road.count()
	again := b.tab()
	again.want("id.resume().then(() => id.claims.sid)", sid)
	if n := b.road.count() - asked; n != 1 {
		t.Errorf("%d refreshes, want 1", n)
	}
}

// A lost answer is asked for once more, and a 503 logs nobody out.
func TestPageKeepsItsSessionThroughTrouble(t *testing.T) {
	t.Parallel()
	b := openBrowser(t)
	p := b.tab()
	sid := p.does("id.signUp(" + ada + ").then(() => id.claims.sid)")
	b.road.set(func(r *road) { r.lose, r.cut = func(n int) bool { return n%2 == 1 }, true })
	p.want("id.resume().then(() => id.claims.sid)", sid)
	if n := b.road.count(); n != 2 {
		t.Errorf("%d refreshes, want 2: the second for the answer that was lost", n)
	}
	b.road.set(func(r *road) { r.block = true })
	p.want("id.resume()", "unavailable: The server cannot know now.")
	p.want("order()", "200 tea")
	p.want("id.claims.sid", sid)
	b.road.set(func(r *road) { r.block = false })
	p.want("id.resume()", "true")
	p.want("changes.length", "1")
}

// Only the server ends a session, and it says so at a refresh.
func TestPageHearsOfTheEnd(t *testing.T) {
	t.Parallel()
	b := openBrowser(t)
	p, other := b.tab(), b.tab()
	sid := p.does("id.signUp(" + ada + ").then(() => id.claims.sid)")
	other.want("id.resume()", "true")
	endSession(t, b.server, sid)
	p.want("id.resume()", "false")
	p.want("changes.join()", sid+",out")
	other.becomes(`changes.at(-1) === "out"`)
}

func endSession(t *testing.T, s *server, sid string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), s.cmd.Path, "session", "end", "--", sid)
	c.Env, c.Dir = s.cmd.Env, s.cmd.Dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// Ten tabs on a road that loses one answer in twenty: nobody is logged out, and
// the tabs together ask about as often as one would. In CI for 21 refreshes; for
// a length of time, with generations that move on, under JOTKEEPER_BROWSE (make
// browse).
func TestTenTabsKeepOneSession(t *testing.T) {
	t.Parallel()
	flags, enough := []string{"--access-ttl", "2s"}, func(refreshes int) bool { return refreshes >= 21 }
	if length := os.Getenv("JOTKEEPER_BROWSE"); length != "" {
		d, err := time.ParseDuration(length)
		if err != nil {
			t.Fatal(err)
		}
		over := time.Now().Add(d)
		flags = []string{"--access-ttl", "20s", "--refresh-grace", "5s"}
		enough = func(int) bool { return time.Now().After(over) }
	}
	b := openBrowser(t, flags...)
	var tabs []*tab
	for range 10 {
		tabs = append(tabs, b.tab())
	}
	sid := tabs[0].does("id.signUp(" + ada + ").then(() => id.claims.sid)")
	for _, p := range tabs[1:] {
		p.want("id.resume().then(() => id.claims.sid)", sid)
	}
	b.road.set(func(r *road) { r.lose = func(n int) bool { return n%20 == 0 } })
	began, since := b.road.count(), tabs[0].number("id.claims.iat")
	for n := 0; !enough(b.road.count() - began); n++ {
		p := tabs[n%len(tabs)]
		p.want("order()", "200 tea")
		p.becomes(fmt.Sprintf("id.claims?.jti !== %q", p.does("id.claims.jti")))
	}
	refreshes, seconds := b.road.count()-began, tabs[0].number("id.claims.iat")-since
	t.Logf("%d refreshes of 10 tabs in %d seconds", refreshes, seconds)
	life := tabs[0].number("id.claims.exp - id.claims.iat")
	if alone := 2 * seconds / life; refreshes > 2*alone+2 {
		t.Errorf("%d refreshes in %d seconds: one tab alone needs about %d", refreshes, seconds, alone)
	}
	for i, p := range tabs {
		p.want("order()", "200 tea")
		if got := p.does("changes.join()"); got != sid {
			t.Errorf("tab %d saw %s, want %s", i, got, sid)
		}
	}
}

// Outside a browser the refresh token is the program's to keep, and is kept
// before the access token that came with it is used.
func TestScriptWithAStore(t *testing.T) {
	t.Parallel()
	node := needs.Tool(t, "node", "nodejs")
	s := launch(t, t.TempDir())
	program := strings.ReplaceAll(`
const { Jotkeeper } = await import("data:text/javascript," + encodeURIComponent(await (await fetch("ISSUER/jotkeeper.js")).text()));
const kept = [];
const store = { load: () => kept.at(-1), save: async (text) => { kept.push(text); console.log("saved", text.slice(0, 4)); } };
const id = new Jotkeeper({ issuer: "ISSUER", services: ["ISSUER"], store });
id.addEventListener("change", () => console.log("change", id.claims ? "in" : "out"));
await id.signUp({ username: "ada", password: "moss-kettle-orbit-42" });
console.log((await id.fetch("ISSUER/revocation/v1/check")).status);
const other = new Jotkeeper({ issuer: "ISSUER", store });
console.log(await other.resume(), other.claims.sid === id.claims.sid);
await id.logOut();
console.log(await other.resume().catch((e) => e.code));
id.close(); other.close();
`, "ISSUER", s.url)
	c := exec.CommandContext(t.Context(), node, "--input-type=module", "-e", program)
	out, err := c.CombinedOutput()
	const want = "saved jkr_\nchange in\n200\ntrue true\nchange out\nsaved \nsaved \nfalse\n"
	if err != nil || string(out) != want {
		t.Errorf("%v:\n%s\nwant:\n%s", err, out, want)
	}
}

// A person logs out where no other tab hears of it, and goes back. Chromium shows
// the page from before as it was left: it asks, and hears of the end.
func TestPageFromTheHistoryHearsOfTheEnd(t *testing.T) {
	t.Parallel()
	b := openBrowser(t)
	p := b.tab()
	p.does("id.signUp(" + ada + ")")
	p.want("fetch('"+b.road.url+"/session', { method: 'DELETE', credentials: 'include' }).then(r => r.status)", "200")
	p.want("id.claims.sub", "1")
	p.does("window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
	p.becomes(`changes.at(-1) === "out"`)
	p.want("order()", "missing: Nobody is logged in.")
}
