package web_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jotkeeper/jotkeeper/internal/needs"
	"github.com/jotkeeper/jotkeeper/internal/problem"
	"github.com/jotkeeper/jotkeeper/web"
)

// stage is a program around the script, in place of a server: answer decides
// what each request gets, and asked are the requests.
const stage = `
import { Jotkeeper } from "./jotkeeper.mjs";
import { createServer } from "node:http";
const issuer = "https://id.example.com", asked = [];
const token = (sid) => ({ result: { id_token: "h." + Buffer.from(JSON.stringify({ sid, iat: 1000, exp: 1900 })).toString("base64url") + ".s", refresh_token: "jkr_" + sid } });
const json = (status, body, headers) => new Response(JSON.stringify(body), { status, headers });
const tick = () => new Promise((done) => setImmediate(done));
let answer;
const real = globalThis.fetch;
globalThis.fetch = async (url, init) => { if (init) asked.push(init.method + " " + url.slice(issuer.length)); return answer(url, init); };
const timers = [], set = globalThis.setTimeout;
const watched = () => { globalThis.setTimeout = (f, ms) => { timers.push(Math.round(ms)); return set(() => {}, 0); }; };
const kept = [], store = { load: () => kept.at(-1), save: (text) => { kept.push(text); } };
const make = () => new Jotkeeper({ issuer, services: ["https://api.example.com"], store });
const held = () => { let open; const gate = new Promise((done) => { open = done; }); return [gate, open]; };
`

// plays runs a program with the script in Node.js.
func plays(t *testing.T, program, want string) {
	t.Helper()
	node := needs.Tool(t, "node", "nodejs")
	dir := t.TempDir()
	for name, text := range map[string]string{"jotkeeper.mjs": string(web.Script()), "play.mjs": stage + program} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.CommandContext(t.Context(), node, "--unhandled-rejections=strict", filepath.Join(dir, "play.mjs")).CombinedOutput()
	if err != nil || string(out) != want {
		t.Errorf("%v:\n%s\nwant:\n%s", err, out, want)
	}
}

// The issuer never redirects. Whoever does in its name would be handed the
// password and the refresh token, and would hand back a token.
func TestNothingFollowsARedirect(t *testing.T) {
	t.Parallel()
	plays(t, `
const thief = createServer((q, r) => { console.log("leaked"); r.end(JSON.stringify(token("eve"))); });
await new Promise((done) => thief.listen(0, "127.0.0.1", done));
const bent = createServer((q, r) => { r.writeHead(307, { Location: "http://127.0.0.1:" + thief.address().port + "/" }); r.end(); });
await new Promise((done) => bent.listen(0, "127.0.0.1", done));
answer = (url, init) => real(url.replace(issuer, "http://127.0.0.1:" + bent.address().port), init);
const id = make();
console.log(await id.logIn({ username: "ada", password: "p" }).catch((e) => e.name), id.claims);
id.close();
for (const s of [bent, thief]) { s.close(); s.closeAllConnections(); }
`, "TypeError undefined\n")
}

// Somebody logs in while the answer to a refresh is on its way. Where there are
// no Web Locks the login waits for it: its cookie never comes in place of the
// new one.
func TestALoginWaitsForARefresh(t *testing.T) {
	t.Parallel()
	plays(t, `
answer = () => json(200, token("ada"));
const id = make();
await id.logIn({ username: "ada", password: "p" });
const [gate, open] = held();
answer = async (url) => url.endsWith("/refresh") ? (await gate, json(200, token("ada"))) : json(200, token("bob"));
const renewed = id.resume(), entered = id.logIn({ username: "bob", password: "p" });
await tick();
console.log(asked.join());
open();
await Promise.all([renewed, entered]);
console.log(id.claims.sid, kept.join());
id.close();
`, "POST /session,POST /session/refresh\nbob jkr_ada,jkr_ada,jkr_bob\n")
}

// Another tab logs somebody else in while this one waits for the answer to its
// refresh, and no lock keeps them apart. The late answer is for nobody, whether
// it is good or bad.
func TestALateAnswerIsForNobody(t *testing.T) {
	t.Parallel()
	plays(t, `
for (const late of [() => json(200, token("ada")), () => json(401, { code: "revoked", error: "It is over." })]) {
	answer = () => json(200, token("ada"));
	const here = make(), there = make();
	await here.logIn({ username: "ada", password: "p" });
	const [gate, open] = held();
	answer = async (url) => url.endsWith("/refresh") ? (await gate, late()) : json(200, token("bob"));
	const renewed = here.resume();
	await tick();
	await there.logIn({ username: "bob", password: "p" });
	while (here.claims.sid !== "bob") await tick();
	answer = () => late();
	open();
	await renewed;
	await tick();
	console.log(here.claims?.sid, there.claims?.sid, kept.at(-1));
	here.close(); there.close();
}
`, "bob bob jkr_bob\nbob bob jkr_bob\n")
}

// A server asks for a pause of months. A timer that long ends at once, and asks
// again at once.
func TestALongPauseIsNoneOfZero(t *testing.T) {
	t.Parallel()
	plays(t, `
answer = () => json(200, token("ada"));
const id = make();
await id.logIn({ username: "ada", password: "p" });
answer = () => json(503, { code: "unavailable" }, { "Retry-After": "9999999" });
watched();
console.log(await id.resume().catch((e) => e.code), timers.map((ms) => ms > 1e6 && ms < 2 ** 31).join());
id.close();
`, "unavailable true\n")
}

// Closed is closed, even if an answer is on its way.
func TestClosedIsClosed(t *testing.T) {
	t.Parallel()
	plays(t, `
for (const late of [() => json(200, token("ada")), () => json(503, { code: "unavailable" }), () => json(401, { code: "revoked" })]) {
	answer = () => json(200, token("ada"));
	const id = make();
	await id.logIn({ username: "ada", password: "p" });
	const [gate, open] = held();
	answer = async () => { await gate; return late(); };
	const renewed = id.resume().catch((e) => e.code);
	await tick();
	id.close();
	timers.length = 0;
	watched();
	open();
	console.log(await renewed, timers.length);
	globalThis.setTimeout = set;
}
`, "true 0\nunavailable 0\nfalse 0\n")
}

// A service refuses whatever it is shown: it was deployed for another audience,
// say. Its pages do not ask the auth server for a token with each request.
func TestAServiceThatRefusesAllIsNoStorm(t *testing.T) {
	t.Parallel()
	plays(t, `
let good = 0;
answer = (url) => url.url ? json(good-- > 0 ? 200 : 401, {}) : json(200, token("ada"));
const id = make(), now = Date.now;
await id.logIn({ username: "ada", password: "p" });
const ask = async (n) => { for (; n > 0; n--) console.log((await id.fetch("https://api.example.com/orders")).status, asked.length); };
await ask(3);
Date.now = () => now() + 6000;
await ask(2);
good = 1;
await ask(1);
id.close();
`, "401 2\n401 2\n401 2\n401 3\n401 3\n200 3\n")
}

// Ada logs out in one tab while another waits for the answer to its refresh, and
// no lock keeps them apart. What comes late opens nothing again.
func TestALogoutBesideARefresh(t *testing.T) {
	t.Parallel()
	plays(t, `
answer = () => json(200, token("ada"));
const here = make(), there = make();
await here.logIn({ username: "ada", password: "p" });
const [gate, open] = held();
answer = async (url) => url.endsWith("/refresh") ? (await gate, json(200, token("ada"))) : new Response("");
const renewed = here.resume();
await tick();
await there.logOut();
while (here.claims) await tick();
open();
console.log(await renewed, here.claims, there.claims, JSON.stringify(kept.at(-1)));
here.close(); there.close();
`, "false undefined undefined \"\"\n")
}

// A logout that is not known to have happened is none, whatever stands in the
// answer's place.
func TestALogoutIsKnownOrNone(t *testing.T) {
	t.Parallel()
	plays(t, `
answer = () => json(200, token("ada"));
const id = make();
await id.logIn({ username: "ada", password: "p" });
for (const bad of [() => json(503, { code: "unavailable" }), () => new Response("<h1>Maintenance</h1>"), () => { throw new TypeError("lost"); }]) {
	answer = bad;
	console.log(await id.logOut().catch((e) => e.code ?? e.name), id.claims?.sid);
}
answer = () => new Response("");
await id.logOut();
console.log(id.claims, JSON.stringify(kept.at(-1)));
id.close();
`, "unavailable ada\nSyntaxError ada\nTypeError ada\nundefined \"\"\n")
}

// A page may have no Web Locks and no channel: its browser is old, or forbids
// them with all storage. Then it is a page on its own, with one session.
func TestAPageOnItsOwn(t *testing.T) {
	t.Parallel()
	const denied = `() => { throw new DOMException("denied", "SecurityError"); }`
	for name, lacks := range map[string]string{
		"no locks":        `delete globalThis.navigator;`,
		"locks denied":    `globalThis.navigator = { locks: { request: async ` + denied + ` } };`,
		"no channel":      `delete globalThis.BroadcastChannel;`,
		"channel denied":  `globalThis.BroadcastChannel = class { constructor() { (` + denied + `)(); } };`,
		"neither of both": `delete globalThis.navigator; delete globalThis.BroadcastChannel;`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plays(t, lacks+`
answer = () => json(200, token("ada"));
const id = make();
await Promise.all([id.logIn({ username: "ada", password: "p" }), id.resume()]);
console.log(id.claims.sid, (await id.fetch("https://api.example.com/orders")).status);
answer = () => json(503, { code: "unavailable" });
console.log(await id.resume().catch((e) => e.code), id.claims.sid);
answer = () => new Response("");
await id.logOut();
console.log(asked.join(), id.claims);
id.close();
`, "ada 200\nunavailable ada\nPOST /session,POST /session/refresh,DELETE /session undefined\n")
		})
	}
}

// Whoever has the lock is waited for, and asked what became of the session.
func TestOneTabRefreshesForBoth(t *testing.T) {
	t.Parallel()
	plays(t, `
let last = Promise.resolve(), queue = 0;
globalThis.navigator = { locks: { request(name, { ifAvailable }, f) {
	if (queue && ifAvailable) return f(null);
	queue++;
	const mine = last.then(() => f({ name }));
	last = mine.finally(() => queue--).catch(() => {});
	return mine;
} } };
answer = () => json(200, token("ada"));
const here = make(), there = make();
await here.logIn({ username: "ada", password: "p" });
while (!there.claims) await tick();
asked.length = 0;
console.log((await Promise.all([here.resume(), there.resume()])).join(), asked.join());
here.close(); there.close();
`, "true,true POST /session/refresh\n")
}

// Retry-After is a number of seconds or a date, and a proxy's 503 need not be
// JSON. Nobody is asked sooner, and nobody is asked twice.
func TestRetryAfterIsKept(t *testing.T) {
	t.Parallel()
	plays(t, `
answer = () => json(200, token("ada"));
const id = make();
await id.logIn({ username: "ada", password: "p" });
watched();
for (const after of ["120", new Date(Date.now() + 121_000).toUTCString()]) {
	asked.length = timers.length = 0;
	answer = () => new Response("<h1>Busy</h1>", { status: 503, headers: { "Retry-After": after } });
	console.log(await id.resume().catch((e) => e.status), asked.length, timers[0] >= 119_000 && timers[0] < 150_000);
}
for (const after of ["0", "-9", "soon", new Date(0).toUTCString()]) {
	timers.length = 0;
	answer = () => json(503, { code: "unavailable" }, { "Retry-After": after });
	await id.resume().catch(() => {});
	console.log(timers[0] >= 1000 && timers[0] < 40_000, id.claims.sid);
}
id.close();
`, "503 1 true\n503 1 true\ntrue ada\ntrue ada\ntrue ada\ntrue ada\n")
}

// Of all that can be answered to a refresh, four words end a session. That the
// browser has no cookie any more is the fifth, once the token is of no use.
func TestFourReasonsEndASession(t *testing.T) {
	t.Parallel()
	var cases, want strings.Builder
	for _, code := range slices.Sorted(maps.Keys(problem.Codes())) {
		fmt.Fprintf(&cases, "[%d, %q],", problem.Status(code), code)
		switch code {
		case "revoked", "idle", "absolute", "reused":
			fmt.Fprintln(&want, code, "false undefined")
		default:
			fmt.Fprintln(&want, code, code, "ada")
		}
	}
	plays(t, `
for (const [status, code] of [`+cases.String()+`]) {
	answer = () => json(200, token("ada"));
	const id = make();
	await id.logIn({ username: "ada", password: "p" });
	answer = () => json(status, { code });
	console.log(code, await id.resume().catch((e) => e.code), id.claims?.sid);
	id.close();
}
const now = Date.now, id = make();
answer = () => json(200, token("ada"));
await id.logIn({ username: "ada", password: "p" });
Date.now = () => now() + 900_001;
answer = () => json(401, { code: "missing" });
console.log(await id.resume(), id.claims?.sid);
id.close();
`, want.String()+"false undefined\n")
}

// A laptop sleeps for a day. Whether the page is shown again or goes on by
// itself, it asks once, and before it shows its old token to anybody.
func TestATabThatSlept(t *testing.T) {
	t.Parallel()
	plays(t, `
const shown = new EventTarget();
globalThis.addEventListener = shown.addEventListener.bind(shown);
const now = Date.now, sent = [];
const serve = (next) => (url) => url.url ? (sent.push(url.headers.get("Authorization").length), json(200, {})) : next(url);
answer = serve(() => json(200, token("ada")));
const id = make();
await id.logIn({ username: "ada", password: "p" });
shown.dispatchEvent(new Event("visibilitychange"));
await tick();
console.log(asked.length);
Date.now = () => now() + 86_400_000;
const [gate, open] = held();
answer = serve(async () => { await gate; return json(200, token("ada")); });
shown.dispatchEvent(new Event("visibilitychange"));
await tick();
console.log(asked.length);
const orders = [id.fetch("https://api.example.com/orders"), id.fetch("https://api.example.com/orders")];
await tick();
console.log(asked.length, sent.length);
open();
console.log((await Promise.all(orders)).map((r) => r.status).join(), asked.length, sent.length);
Date.now = () => now() + 2 * 86_400_000;
answer = serve(() => json(401, { code: "idle" }));
console.log(await id.fetch("https://api.example.com/orders").catch((e) => e.code), id.claims, sent.length);
id.close();
`, "1\n2\n2 0\n200,200 2 2\nmissing undefined 2\n")
}

// A page comes back from the browser's history. Meanwhile its person may have
// logged out, with nobody left to tell it: it asks before it uses its token.
func TestAPageFromTheHistory(t *testing.T) {
	t.Parallel()
	plays(t, `
const shown = new EventTarget();
globalThis.addEventListener = shown.addEventListener.bind(shown);
const back = async (persisted) => {
	asked.length = 0;
	shown.dispatchEvent(Object.assign(new Event("pageshow"), { persisted }));
	for (let n = 0; n < 20; n++) await tick();
};
const id = make();
answer = () => json(200, token("ada"));
await id.logIn({ username: "ada", password: "p" });
await back(false);
console.log(asked.length, id.claims.sid);
await back(true);
console.log(asked.length, id.claims.sid);
answer = () => json(503, { code: "unavailable" });
await back(true);
console.log(asked.length, id.claims.sid, await id.fetch("https://api.example.com/orders").catch((e) => e.code));
answer = () => json(401, { code: "missing" });
await back(true);
console.log(asked.length, id.claims);
id.close();
await back(true);
console.log(asked.length);
`, "0 ada\n1 ada\n1 ada unavailable\n1 undefined\n0\n")
}

// A clock is an hour wrong, and is set right while somebody is logged in. What
// counts is how long a token lives, not when it says that it dies.
func TestAClockThatIsWrong(t *testing.T) {
	t.Parallel()
	plays(t, `
const now = Date.now, hour = 3_600_000;
for (const wrong of [-hour, hour]) {
	let good = true, marked = false;
	answer = (url) => url.url ? json(good ? 200 : 401, {}, marked ? { "Jotkeeper-Renew": "1" } : {}) : (good = true, json(200, token("ada")));
	Date.now = () => now() + wrong;
	timers.length = 0;
	globalThis.setTimeout = (f, ms) => { timers.push(ms); };
	const id = make(), orders = async () => (await id.fetch("https://api.example.com/orders")).status;
	await id.logIn({ username: "ada", password: "p" });
	asked.length = 0;
	console.log(timers.join() > 450_000 && timers.join() < 541_000, await orders(), asked.length);
	Date.now = now;
	marked = true;
	console.log(await orders(), await tick(), asked.length);
	good = marked = false;
	console.log(await orders(), asked.length, id.claims.sid);
	id.close();
	globalThis.setTimeout = set;
}
`, "true 200 0\n200 undefined 1\n200 2 ada\ntrue 200 0\n200 undefined 1\n200 2 ada\n")
}

// A store fails: the disk is full, or private browsing forbids it. A session that
// cannot be kept is not begun, one that is kept goes on, and an end is an end.
func TestAStoreThatFails(t *testing.T) {
	t.Parallel()
	plays(t, `
let broken = true;
const check = () => { if (broken) throw new DOMException("full", "QuotaExceededError"); };
Object.assign(store, { load: () => { check(); return kept.at(-1); }, save: (text) => { check(); kept.push(text); } });
answer = (url) => url.url || url.endsWith("/session") && kept.length > 1 ? new Response("") : json(200, token("ada"));
const id = make();
console.log(await id.logIn({ username: "ada", password: "p" }).catch((e) => e.name), id.claims);
broken = false;
await id.logIn({ username: "ada", password: "p" });
broken = true;
console.log(await id.resume().catch((e) => e.name), id.claims.sid, (await id.fetch("https://api.example.com/orders")).status);
broken = false;
console.log(await id.resume(), kept.length);
store.save = () => { throw new DOMException("full", "QuotaExceededError"); };
console.log(await id.logOut().catch((e) => e.name), id.claims);
id.close();
`, "QuotaExceededError undefined\nQuotaExceededError ada 200\ntrue 2\nQuotaExceededError undefined\n")
}
