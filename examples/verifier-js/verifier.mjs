// A verifier of Jotkeeper's tokens without Jotkeeper's code: token profile, cookie
// lock, revocation rules, and a follower of the feed. It speaks the protocol of
// docs/spec/conformance.md on stdin and stdout, with nothing but Node.
import { createHash, createPublicKey, randomBytes, timingSafeEqual, verify } from "node:crypto";
import { createInterface } from "node:readline";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const no = (reason) => { throw Object.assign(new Error(reason), { reason }); };

// JSON as the profile wants it: no name twice, no lone surrogate, nothing around
// it. Times and numbers of the feed are integers as they are spelled; any other
// number is NaN. Integers beyond 2^53 keep their digits, as BigInt.
function parse(text) {
  let at = 0;
  const token = /[ \t\r\n]*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)|(true|false|null))[ \t\r\n]*/y;
  const next = () => {
    token.lastIndex = at;
    const m = token.exec(text) ?? no("claims");
    at = token.lastIndex;
    return m;
  };
  const string = (m) => {
    const s = JSON.parse(m[2] ?? no("claims"));
    return s.isWellFormed() ? s : no("claims");
  };
  const value = (m, depth) => {
    if (depth > 500) no("claims");
    if (m[2]) return string(m);
    if (m[3]) return /[.eE]|^-0/.test(m[3]) ? NaN : Number.isSafeInteger(+m[3]) ? +m[3] : BigInt(m[3]);
    if (m[4]) return JSON.parse(m[4]);
    const object = m[1] === "{", list = [], members = new Map();
    if (!object && m[1] !== "[") no("claims");
    for (let t = next(), first = true; ; t = next(), first = false) {
      if (first && t[1] === (object ? "}" : "]")) break;
      if (object) {
        const name = string(t);
        if (members.has(name) || next()[1] !== ":") no("claims");
        members.set(name, value(next(), depth + 1));
      } else list.push(value(t, depth + 1));
      const end = next()[1];
      if (end === (object ? "}" : "]")) break;
      if (end !== ",") no("claims");
    }
    return object ? members : list;
  };
  const v = value(next(), 0);
  return at === text.length && v instanceof Map ? v : no("claims");
}

// The keys of an issuer, by the one header segment that each produces.
const algs = {
  ES256: ["EC", (k) => k.crv === "P-256", (key, data, sig) => sig.length === 64 && verify("sha256", data, { key, dsaEncoding: "ieee-p1363" }, sig)],
  EdDSA: ["OKP", (k) => k.crv === "Ed25519", (key, data, sig) => verify(null, data, key, sig)],
  RS256: ["RSA", () => true, (key, data, sig) => verify("sha256", data, key, sig)],
};
const base64url = (s) => Buffer.from(s).toString("base64url");

function keyTable(set, typ) {
  const table = new Map();
  for (const jwk of set.keys) {
    const [kty, fits] = Object.hasOwn(algs, jwk.alg) ? algs[jwk.alg] : [];
    if (jwk.kty !== kty || !fits(jwk) || (jwk.use ?? "sig") !== "sig" || "d" in jwk) continue;
    const key = createPublicKey({ key: jwk, format: "jwk" });
    table.set(base64url(`{"alg":"${jwk.alg}","kid":"${jwk.kid}","typ":"${typ}"}`), { alg: jwk.alg, kid: jwk.kid, key });
  }
  return table;
}

const control = /[\u0000-\u001f\u007f]/;
const plain = (s) => typeof s === "string" && s.trim() === s && !control.test(s) && Buffer.byteLength(s) >= 1 && Buffer.byteLength(s) <= 255;
const time = (n) => Number.isSafeInteger(n) && n >= 1 && n <= 253402300799;
const text = (s) => typeof s === "string";
const texts = (l) => Array.isArray(l) && l.every(text);
const types = {
  iss: text, sub: plain, jti: plain, sid: plain, scope: text, tid: text, gen: text, rev: text, acr: text, amr: texts,
  aud: (a) => (text(a) && a !== "") || (texts(a) && a.length > 0 && !a.includes("")),
  iat: time, nbf: time, exp: time, auth_time: time, cnf: (c) => c instanceof Map,
};

// verifyToken follows docs/spec/token-profile.md, "Verifying", step by step.
function verifyToken({ token, issuer, audience, keys, now }, typ = "at+jwt", more = {}) {
  if (Buffer.byteLength(token) > 8192 || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) no("malformed");
  const [header, payload, signature] = token.split(".");
  for (const s of [header, payload, signature]) if (base64url(Buffer.from(s, "base64url")) !== s) no("malformed");
  const table = keyTable(keys, typ), known = table.get(header);
  if (!known) {
    const asked = /^\{"alg":"(\w+)","kid":"([ !#-[\]-~]{1,256})","typ":"([\w+]+)"\}$/.exec(Buffer.from(header, "base64url").toString("latin1"));
    const ours = asked && asked[3] === typ && Object.hasOwn(algs, asked[1]) && ![...table.values()].some((k) => k.kid === asked[2]);
    no(ours ? "key" : "header");
  }
  const signed = Buffer.from(`${header}.${payload}`);
  if (!algs[known.alg][2](known.key, signed, Buffer.from(signature, "base64url"))) no("signature");
  let claims;
  try { claims = parse(utf8.decode(Buffer.from(payload, "base64url"))); } catch { no("claims"); }
  for (const [name, fits] of Object.entries({ ...types, ...more })) if (claims.has(name) && !fits(claims.get(name))) no("claims");
  if (claims.get("iss") !== issuer) no("issuer");
  if (!claims.has("aud")) no("claims");
  if (![claims.get("aud")].flat().includes(audience)) no("audience");
  for (const name of ["sub", "jti", "iat", "exp"]) if (!claims.has(name)) no("claims");
  if (claims.get("exp") <= now) no("expired");
  if (claims.get("iat") > now + 60 || (claims.get("nbf") ?? 0) > now + 60) no("early");
  return claims;
}

// verifySession follows "Keeper tokens" of the same page.
function verifySession(q) {
  const claims = verifyToken(q, "session+jwt", { sxp: time, ver: text, prv: text, csrf: text });
  for (const name of ["sid", "sxp", "rev"]) if (!claims.get(name)) no("claims");
  if (claims.get("sxp") <= q.now) no("absolute");
  if (claims.has("cnf")) no("binding"); // nothing is checked here that it could demand
}

// checkLock follows docs/spec/cookie-lock.md, "Checking".
function checkLock({ sid, cnf, required, cookie }) {
  if (!cnf) return required ? no("binding") : undefined;
  if (!cnf.lck || Object.keys(cnf).length !== 1 || !sid) no("binding");
  const hash = (...parts) => parts.reduce((h, p) => h.update(p), createHash("sha256")).digest();
  const name = `__Host-jkl-${base64url(hash(sid).subarray(0, 6))}=`;
  const values = new Set((cookie ?? "").split(/; */).filter((c) => c.startsWith(name)).map((c) => c.slice(name.length)));
  const [value] = values, lock = Buffer.from(value ?? "", "base64url");
  if (values.size !== 1 || lock.length !== 32 || base64url(lock) !== value) no("binding");
  const want = Buffer.from(cnf.lck), got = Buffer.from(base64url(hash("jotkeeper/lock", sid, lock)));
  if (want.length !== got.length || !timingSafeEqual(want, got)) no("binding");
}

// Cursors: pairs of 64-bit numbers, with one spelling.
const cursor = (s) => (/^(0|[1-9]\d{0,19}):(0|[1-9]\d{0,19})$/.test(s ?? "") ? s.split(":").map(BigInt) : undefined);
const before = (a, b) => a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);
const scopes = ["jti", "sid", "sub", "tid", "kid", "iss"]; // the narrowest first
const actions = ["none", "rotate", "revoke"];

// Rules holds what docs/spec/revocation.md calls rules. They are only ever added; a
// service that runs for weeks forgets those whose u is over.
class Rules {
  list = new Map();
  constructor(issuer) { this.issuer = issuer; }

  // add takes an entry of the feed. False: it is not understood, and no cursor may
  // move past it.
  add(e, epoch) {
    const whole = (n) => n === undefined || typeof n === "bigint" || Number.isSafeInteger(n);
    const b = e.get("b") === undefined ? [epoch, BigInt(e.get("s") ?? 0)] : cursor(e.get("b"));
    if (!b || (e.get("s") ?? 0) < 0 || !["s", "at", "f", "u"].every((n) => whole(e.get(n)))) no("entry");
    const rule = { k: e.get("k"), id: e.get("id"), a: actions.indexOf(e.get("a")), b, at: Number(e.get("at")), f: e.get("f") || -Infinity, u: e.get("u") || Infinity };
    if (!scopes.includes(rule.k) || !rule.id || rule.a < 1 || rule.f > rule.u) return false;
    const key = `${rule.k} ${rule.id}`;
    this.list.set(key, [...(this.list.get(key) ?? []), rule]);
    return true;
  }

  verdict(claims, now) {
    const v = { verdict: "none" };
    if (claims.iss !== this.issuer) return v;
    for (const k of scopes) for (const r of (claims[k] && this.list.get(`${k} ${claims[k]}`)) || []) {
      if (now * 1000 < r.f || now * 1000 > r.u || r.a <= actions.indexOf(v.verdict)) continue;
      const old = claims.rev ? before(cursor(claims.rev) ?? [0n, 0n], r.b) : !(r.at && claims.iat >= Math.ceil(r.at / 1000));
      if (old || ["jti", "sid", "kid"].includes(k)) Object.assign(v, { verdict: actions[r.a], scope: k });
    }
    return v;
  }
}

// A Follower follows docs/spec/revocation-feed.md until it is stopped.
class Follower {
  cursor = [0n, 0n]; maxStale = 2000; heard = -Infinity; stopped = new AbortController();
  constructor({ issuer, url, credential }) {
    Object.assign(this, { issuer, url, credential, rules: new Rules(issuer), cold: true });
    this.run();
  }
  get stale() { return !(performance.now() - this.heard <= this.maxStale); } // NaN is stale

  async run() {
    while (!this.stopped.signal.aborted) {
      await this.attempt().catch(() => {}); // trouble makes us stale, and ends nothing
      await new Promise((again) => setTimeout(again, 50 + 200 * Math.random()));
    }
  }

  async ask(address, quiet, credential) {
    this.line = new AbortController(); // ended when nothing has come for a while
    this.quiet = quiet;
    this.watch();
    const headers = credential ? { authorization: `Bearer ${credential}` } : {};
    const signal = AbortSignal.any([this.line.signal, this.stopped.signal]);
    return fetch(address, { headers, signal, redirect: "manual", cache: "no-store" });
  }
  watch() {
    clearTimeout(this.dog);
    this.dog = setTimeout(() => this.line.abort(), this.quiet);
  }
  agrees(v) { if (v.get("v") !== 1 || v.get("issuer") !== this.issuer) no("feed"); }

  async attempt() {
    const at = new URL(`${this.url}/.well-known/revocation-feed`);
    if (at.protocol !== "https:" && !["127.0.0.1", "[::1]", "localhost"].includes(at.hostname)) no("feed");
    const found = await this.ask(at, 5000);
    const document = parse(found.status === 200 ? await found.text() : no("feed"));
    this.agrees(document);
    this.maxStale = Math.min(Math.max(document.get("max_stale_ms") || 2000, 1000), 3_600_000);
    const place = (name) => { const u = new URL(document.get(name), at); return u.origin === at.origin ? u : no("feed"); };
    if (this.cold) await this.snapshot(place("snapshot"));
    await this.stream(place("stream"));
  }

  async snapshot(address) {
    const answer = await this.ask(address, 5000, this.credential);
    const lines = (answer.status === 200 ? await answer.text() : no("feed")).trim().split("\n").map(parse);
    const first = lines.shift(), last = lines.pop(), to = cursor(first?.get("cursor")) ?? no("feed");
    this.agrees(first);
    if (last?.get("end") !== lines.length || to[0] < this.cursor[0]) no("feed"); // cut, or of an older epoch
    if (lines.map((e) => this.rules.add(e, to[0])).includes(false)) no("feed");
    [this.cursor, this.cold] = [to, false];
  }

  async stream(address) {
    const nonce = randomBytes(16).toString("hex"), sent = performance.now();
    address.search = new URLSearchParams({ after: this.cursor.join(":"), nonce });
    const answer = await this.ask(address, 5000, this.credential);
    if (answer.status === 410) this.cold = true;
    if (answer.status !== 200) no("feed");
    let rest = "", event = {}, s = { nonce, sent, understood: true };
    for await (const piece of answer.body.pipeThrough(new TextDecoderStream("utf-8", { fatal: true }))) {
      this.watch();
      const lines = (rest + piece).split(/\r?\n/);
      rest = lines.pop();
      for (const line of lines) {
        const [, name, value] = /^([^:]*):? ?(.*)$/.exec(line);
        if (line) event[name] = name === "data" ? (event.data ?? "") + value : value;
        else if (event.data) { this.told(event, s); event = {}; }
      }
    }
  }

  told({ event, id, data }, s) {
    const v = parse(data);
    if (event === "hello") {
      this.agrees(v);
      if (s.boot || v.get("nonce") !== s.nonce) no("feed"); // recorded
      [s.boot, s.zero, this.quiet] = [v.get("boot"), s.sent - v.get("now"), Math.max(4 * v.get("beat_ms"), 1000)];
      return;
    }
    const to = cursor(id);
    if (!to || v.get("boot") !== s.boot || to[0] !== this.cursor[0] || before(to, this.cursor)) no("feed");
    let at = this.cursor;
    for (const e of v.get("e")) { // each beyond the one before, none beyond the cursor
      const next = [to[0], BigInt(e.get("s") ?? 0)];
      if (!before(at, next) || before(to, next)) no("feed");
      at = next;
    }
    for (const e of v.get("e")) s.understood = this.rules.add(e, to[0]) && s.understood;
    if (!s.understood) return; // merged, but the cursor stays: we grow stale
    this.cursor = to;
    if (v.has("t")) this.heard = Math.max(this.heard, Math.min(s.zero + v.get("t"), performance.now()));
  }
}

let follower;
function rules({ issuer, epoch, entries, claims, now }) {
  const r = new Rules(issuer);
  const read = (line) => { try { return r.add(parse(line), BigInt(epoch)); } catch { return false; } };
  const stale = (entries ?? []).map(read).includes(false);
  return { ...r.verdict(claims, now), stale };
}
const kinds = {
  offers: () => ({ offers: ["session"] }),
  verify: (q) => { verifyToken({ token: "", ...q }); return { accept: true }; },
  session: (q) => { verifySession({ token: "", ...q }); return { accept: true }; },
  lock: (q) => { checkLock(q); return { accept: true }; },
  rules,
  follow: (q) => { follower?.stopped.abort(); follower = new Follower(q); return { ok: true }; },
  ask: ({ claims, now }) => ({ ...follower.rules.verdict(claims, now), stale: follower.stale }),
};
for await (const line of createInterface({ input: process.stdin })) {
  const q = JSON.parse(line);
  let answer;
  try { answer = kinds[q.kind](q); } catch (e) { answer = { accept: false, reason: e.reason ?? "malformed" }; }
  process.stdout.write(JSON.stringify({ case: q.case, ...answer }) + "\n");
}
process.exit();
