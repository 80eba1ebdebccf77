package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/internal/conformance"
	"github.com/jotkeeper/jotkeeper/internal/needs"
)

// careless are verifiers in JavaScript, each the good one without one check, and
// the case that must not let it pass. So each case about a check has teeth.
var careless = []struct{ caught, check, without string }{
	{"token/stray bits in the signature", `base64url(Buffer.from(s, "base64url")) !== s`, `false`},
	{"token/8,193 bytes and more", `Buffer.byteLength(token) > 8192`, `false`},
	{"token/EdDSA: as it was signed", `EdDSA: ["OKP"`, `Ed448: ["OKP"`},
	{"token/kid unknown", `no(ours ? "key" : "header")`, `no("header")`},
	{"token/signed by a stranger", `if (!algs[known.alg][2](`, `if (false && !algs[known.alg][2](`},
	{"token/sub twice, once escaped", `members.has(name) || `, ``},
	{"token/claims: half a surrogate", `s.isWellFormed() ? s : no("claims")`, `s`},
	{"token/claims: a byte that is not UTF-8", `{ fatal: true, ignoreBOM: true }`, `{ ignoreBOM: true }`},
	{"token/claims: a byte order mark", `{ fatal: true, ignoreBOM: true }`, `{ fatal: true }`},
	{"token/claims: an object behind", `at === text.length && `, ``},
	{"token/sub of 256 bytes", ` && Buffer.byteLength(s) <= 255`, ``},
	{"token/iss absent", `if (claims.get("iss") !== issuer)`, `if (claims.has("iss") && claims.get("iss") !== issuer)`},
	{"token/aud [\"https://a.example.com\",\"https://b.example.com\"]", `[claims.get("aud")].flat().includes(audience)`, `[claims.get("aud")].flat().length > 0`},
	{"token/exp at this very second", `claims.get("exp") <= now`, `claims.get("exp") < now`},
	{"token/nbf in 61 seconds", ` || (claims.get("nbf") ?? 0) > now + 60`, ``},
	{"session/an access token", `verifyToken(q, "session+jwt",`, `verifyToken(q, "at+jwt",`},
	{`session/sxp "1772370000"`, `{ sxp: time,`, `{`},
	{"session/prv 7", `prv: text, `, ``},
	{"session/rev empty", `if (!claims.get(name)) no("claims")`, `if (!claims.has(name)) no("claims")`},
	{"session/sid absent", `["sid", "sxp", "rev"]`, `["sxp", "rev"]`},
	{"session/sxp absent", `["sid", "sxp", "rev"]`, `["sid", "rev"]`},
	{"session/sxp at this very second", `claims.get("sxp") <= q.now`, `claims.get("sxp") < q.now`},
	{"session/cnf with nothing", `if (claims.has("cnf")) no("binding");`, `if (claims.get("cnf")?.size) no("binding");`},
	{"lock/a key besides", ` || Object.keys(cnf).length !== 1`, ``},
	{"lock/two different cookies of one name", `values.size !== 1 || `, ``},
	{"lock/stray bits in the last character", ` || base64url(lock) !== value`, ``},
	{"lock/another lock under the right name", `!timingSafeEqual(want, got)`, `false`},
	{"lock/a token of no session", ` || !sid`, ``},
	{"lock/in quotes", `c.slice(name.length)`, `c.slice(name.length).replaceAll('"', "")`},
	{"lock/lck with padding", `const want = Buffer.from(cnf.lck)`, `const want = Buffer.from(cnf.lck.replace("=", ""))`},
	{"lock/cnf that demands nothing", `!cnf.lck || Object.keys(cnf).length !== 1`, `Object.keys(cnf).length === 0) return; if (!cnf.lck`},
	{"entry/never in force", ` || rule.f > rule.u`, ``},
	{"entry/before is no cursor", `:(0|[1-9]\d{0,19})$/`, `:(\d{1,20})$/`},
	{"rules/rev beyond the doubles", `s.split(":").map(BigInt)`, `s.split(":").map(Number)`},
	{"rules/another issuer's token", `if (claims.iss !== this.issuer) return v;`, ``},
	{"rules/in force up to now", `now * 1000 > r.u`, `now * 1000 >= r.u`},
	{"rules/revoke, then rotate", `|| r.a <= actions.indexOf(v.verdict)`, ``},
	{"rules/a token, whatever rev says", `["jti", "sid", "kid"].includes(k)`, `["sid", "kid"].includes(k)`},
	{"rules/a tenant, rev at the rule", `["jti", "sid", "kid"].includes(k)`, `["jti", "sid", "kid", "tid"].includes(k)`},
	{"rules/a token without tid", "claims[k] && this.list.get(`${k} ${claims[k]}`)", "[...this.list].find(([name]) => name.startsWith(`${k} ${claims[k] ?? \"\"}`))?.[1]"},
	{"rules/tid and kid", `"tid", "kid", "iss"]`, `"kid", "tid", "iss"]`},
	{"rules/rotate of each scope, revoke of the widest", `|| r.a <= actions.indexOf(v.verdict)`, `|| v.scope`},
	{"follow/a cut", `while (!this.stopped.signal.aborted)`, `if (!this.stopped.signal.aborted)`},
	{"follow/a gap", `if (answer.status === 410) this.cold = true;`, ``},
	{"follow/an older epoch", ` || to[0] < this.cursor[0]`, ``},
	{"follow/a scope of the future", `if (!s.understood) return;`, ``},
	{"follow/a scope of the future in the snapshot", `.includes(false)) no("feed")`, `.includes(7)) no("feed")`},
	{"follow/entries out of order", `if (!before(at, next) || before(to, next)) no("feed");`, `if (before(to, next)) no("feed");`},
	{"follow/an entry beyond its word", ` || before(to, next)) no("feed");`, `) no("feed");`},
	{"follow/silence", `<= this.maxStale`, `<= 3_600_000`},
	{"follow/words without t", `if (v.has("t")) this.heard = `, `if (!v.has("t")) this.heard = performance.now(); else this.heard = `},
	{"follow/old news", `Math.min(s.zero + v.get("t"), performance.now())`, `performance.now()`},
	{"follow/a recorded greeting", ` || v.get("nonce") !== s.nonce`, ``},
	{"follow/a snapshot that was cut", `last?.get("end") !== lines.length || `, ``},
	{"follow/another issuer's feed", `|| v.get("issuer") !== this.issuer`, ``},
	{"follow/another version", `v.get("v") !== 1 || `, ``},
	{"follow/a place on another port", `u.origin === at.origin ? u : no("feed")`, `u`},
	{"follow/a redirect", `redirect: "manual"`, `redirect: "follow"`},
}

// carelessReaders are the same of the reader of frames in Python.
var carelessReaders = []struct{ caught, check, without string }{
	{"frames/a checksum that does not hold", `demand(crc32c(data[: n + 4]) ==`, `demand(crc32c(data[: n + 4]) |`},
	{"frames/a checksum of the body alone", `crc32c(data[: n + 4])`, `crc32c(data[4 : n + 4])`},
	{"frames/another version", `data[4] == 1 and `, ``},
	{"frames/another kind", ` and data[5] == 2`, ``},
	{"frames/something after it", `demand(body.at == len(body.data))`, `pass`},
	{"frames/a number longer than it needs", ` and (b or shift == 7)`, ``},
	{"frames/a number beyond 64 bits", `n < below and `, ``},
	{"frames/a time beyond 63 bits", `self.number(2**63)`, `self.number()`},
	{"frames/a member that is there and zero", `demand(value != zero)`, `pass`},
	{"frames/a flag of an entry that is not known", `demand(flags < 32)`, `pass`},
	{"frames/a flag of a word that is not known, beside t", `demand(flags < 2)`, `pass`},
	{"frames/an ID that is not UTF-8", `.decode("utf-8")`, `.decode("utf-8", "replace")`},
	{"frames/a scope and an action of the future", `at = to if understood else at`, `at = to`},
	{"frames/another boot", `boot == q["boot"] and `, ``},
	{"frames/an epoch that does not follow", `to[0] == at[0] and `, ``},
	{"frames/an entry beyond the cursor", ` and to >= numbers[-1]`, ``},
	{"frames/entries out of order", `demand(all(a < b for`, `demand(all(True for`},
}

func TestCarelessReadersAreCaught(t *testing.T) {
	python := needs.Tool(t, "python3", "python3")
	for _, c := range carelessReaders {
		t.Run(c.caught, func(t *testing.T) {
			t.Parallel()
			caughtWithout(t, python, frameReader, c.caught, c.check, c.without)
		})
	}
}

func TestCarelessVerifiersAreCaught(t *testing.T) {
	node := needs.Tool(t, "node", "nodejs")
	for _, c := range careless {
		t.Run(c.caught, func(t *testing.T) {
			t.Parallel()
			caughtWithout(t, node, "../../examples/verifier-js/verifier.mjs", c.caught, c.check, c.without)
		})
	}
}

// caughtWithout runs a good program without one check, which one case must notice.
func caughtWithout(t *testing.T, tool, source, name, check, without string) {
	t.Helper()
	good, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(good), check) != 1 {
		t.Fatalf("stale: %q does not stand once in %s", check, source)
	}
	program := filepath.Join(t.TempDir(), "careless"+filepath.Ext(source))
	if err := os.WriteFile(program, []byte(strings.Replace(string(good), check, without, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := conformance.Run(t.Context(), conformance.Config{
		Command: []string{tool, program}, Only: regexp.MustCompile("^" + regexp.QuoteMeta(name) + "$"), Deadline: patience, Patience: 2 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Failures) != 1 || r.Failures[0].Class == conformance.Silent {
		t.Errorf("without %q: %+v, want one case that fails", check, r.Failures)
	}
}
