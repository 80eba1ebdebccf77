package web_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/jotkeeper/jotkeeper/internal/needs"
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
