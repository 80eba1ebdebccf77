// jotkeeper.js keeps a page's session with a Jotkeeper auth server.
//
// The access token is renewed at half its life, once for all tabs. Only an answer
// to a refresh that says so ends the session: a lost answer is asked for once
// more, a 503 waits, everything else keeps what there is.
// Guide: docs/guides/browser.md. Version 1.

const FINAL = ["revoked", "idle", "absolute", "reused"];
const PATIENCE = 10_000; // ms for an answer
const VAIN = 5000; // ms
const PEERS = 200; // ms for another tab to answer

// Refused is an answer that is not what was asked for. code is a reason of
// docs/spec/reasons.md; errors are the fields that a form should mark.
export class Refused extends Error {
	constructor(status, body, wait) {
		super(body?.error ?? body?.detail ?? "HTTP " + status);
		Object.assign(this, { status, wait, code: body?.code, errors: body?.errors ?? [] });
	}
}

// Jotkeeper dispatches "change" when somebody logs in or out, in any tab.
export class Jotkeeper extends EventTarget {
	#issuer; #name; #services; #store; #channel; #timer; #flight; #heard; #last;
	#open = new AbortController();
	#token = null;
	#at = 0; // when #token came to be; only grows
	#failures = 0;

	// issuer is the auth server, services are the origins that get the token.
	// Without a store the refresh token is an HttpOnly cookie. With one, {load(),
	// save(text)}, it travels in the body: for programs that have no cookies.
	constructor({ issuer, services = [], store }) {
		super();
		this.#issuer = issuer.replace(/\/$/, "");
		this.#name = "jotkeeper " + this.#issuer; // of the lock, of the channel
		this.#services = services.map((s) => new URL(s).origin);
		this.#store = store;
		this.#channel = new BroadcastChannel(this.#name);
		this.#channel.onmessage = (m) => this.#hear(m.data);
		globalThis.document?.addEventListener("visibilitychange", () => this.#wake(), this.#open);
	}

	// claims are the token's, to show; whoever decides by them verifies the token.
	get claims() { return this.#token?.claims; }

	// resume goes on with the session of another tab or of an earlier visit. It
	// tells whether there is one, and throws when that cannot be known now.
	async resume() {
		await this.#renew(this.#token);
		return this.#token !== null;
	}

	signUp(form) { return this.#enter("/accounts", form); }
	logIn(form) { return this.#enter("/session", form); }
	changePassword(form) { return this.#enter("/password", form, true); }

	async logOut() {
		await this.#alone(async () => {
			await this.#call("DELETE", "/session", await this.#held());
			await this.#end();
		});
	}

	// fetch is the global fetch, with the token for the services and nobody else.
	// A 401 is answered by one refresh and one repetition. Where that was in vain,
	// the next refresh for a 401 is VAIN ms away.
	async fetch(input, init) {
		const request = new Request(input, init);
		if (!this.#services.includes(new URL(request.url).origin)) return fetch(request);
		const token = await this.#ready();
		const again = request.clone();
		const answer = await send(request, token);
		if (answer.headers.has("Jotkeeper-Renew") && Date.now() - token.got > 30_000) this.#quietly(token);
		if (answer.status !== 401 || token.vain && Math.abs(Date.now() - token.got) < VAIN) return answer;
		await this.#renew(token).catch(() => {});
		const next = this.#token;
		if (!next || next === token) return answer;
		const second = await send(again, next);
		next.vain = second.status === 401;
		return second;
	}

	close() {
		clearTimeout(this.#timer);
		this.#channel.close();
		this.#open.abort();
	}

	get #closed() { return this.#open.signal.aborted; }

	#wake() {
		if (Date.now() >= this.#token?.renew) this.#quietly(this.#token);
	}

	async #ready() {
		if (!this.#token) throw new Refused(401, { code: "missing", error: "Nobody is logged in." });
		if (Date.now() >= this.#token.expires) await this.#renew(this.#token);
		else this.#wake();
		return this.#token ?? this.#ready();
	}

	#quietly(used) { this.#renew(used).catch(() => {}); }

	// renew replaces the token used, unless that has happened already: once in
	// this tab, and once in all of them.
	#renew(used) {
		if (this.#token !== used) return Promise.resolve();
		return this.#flight ??= this.#alone(async (waited) => {
			if (waited || !used) await this.#ask();
			if (this.#token === used) await this.#refresh();
		}).finally(() => { this.#flight = null; });
	}

	async #refresh() {
		const used = this.#token;
		try {
			const held = await this.#held();
			await this.#keep(await this.#exchange(held).catch(async (e) => {
				const now = await this.#held(); // another program may have been first
				if (e.status !== 401 || now.refresh_token === held.refresh_token) throw e;
				return this.#exchange(now);
			}), used);
		} catch (e) {
			// It is about the session from before.
			if (this.#token && this.#token !== used) return;
			const gone = e.code === "missing" && !(Date.now() < this.#token?.expires);
			if (FINAL.includes(e.code) || gone) return this.#end();
			const pause = Math.min(30_000, 1000 * 2 ** this.#failures++) * (0.5 + Math.random());
			if (this.#token) this.#later(Math.max(pause, (e.wait || 0) * 1000));
			throw e;
		}
	}

	// exchange asks once more when the answer was lost: it is the same one.
	#exchange(held) {
		const ask = () => this.#call("POST", "/session/refresh", held);
		return ask().catch((e) => { if (e.status) throw e; return ask(); });
	}

	#enter(path, form, held) {
		return this.#alone(async () => {
			const extra = held ? await this.#held() : this.#store && { transport: "body" };
			await this.#keep(await this.#call("POST", path, { ...form, ...extra }));
		});
	}

	// held is the refresh token at hand, if it is not in a cookie.
	async #held() {
		const text = await this.#store?.load();
		return text ? { refresh_token: text } : {};
	}

	async #call(method, path, form) {
		const answer = await fetch(this.#issuer + path, {
			method,
			body: new URLSearchParams(form),
			credentials: this.#store ? "omit" : "include",
			// What is sent is for the issuer alone.
			redirect: "error",
			signal: AbortSignal.timeout(PATIENCE),
		});
		const body = JSON.parse((await answer.text()) || "{}");
		if (!answer.ok) throw new Refused(answer.status, body, +answer.headers.get("Retry-After"));
		return body.result;
	}

	// keep stores the refresh token before its access token is used. An answer that
	// comes after another login, or a logout, is for nobody.
	async #keep({ id_token, refresh_token }, used = this.#token) {
		const claims = JSON.parse(decode(id_token.split(".")[1]));
		if (this.#token !== used && this.claims?.sid !== claims.sid) return;
		if (this.#store && refresh_token) await this.#store.save(refresh_token);
		this.#failures = 0;
		const got = Date.now(), life = 1000 * (claims.exp - claims.iat); // on this machine's clock
		this.#share({ raw: id_token, claims, got, expires: got + life, renew: got + life / 2 });
	}

	async #end() {
		await this.#store?.save("");
		this.#share(null);
	}

	#share(token) {
		this.#take(token, Math.max(Date.now(), this.#at + 1));
		if (!this.#closed) this.#channel.postMessage({ token, at: this.#at });
	}

	#take(token, at) {
		const before = this.claims?.sid;
		this.#token = token;
		this.#at = at;
		clearTimeout(this.#timer);
		if (token) this.#later((token.renew - Date.now()) * (0.9 + 0.2 * Math.random()));
		if (before !== this.claims?.sid) this.dispatchEvent(new Event("change"));
	}

	// later renews in so many ms. Beyond 2^31 a timer would end at once.
	#later(ms) {
		clearTimeout(this.#timer);
		if (!this.#closed) this.#timer = setTimeout(() => this.#quietly(this.#token), Math.min(ms, 1e9));
	}

	#hear({ ask, token, at }) {
		if (ask) return this.#token && this.#channel.postMessage({ token: this.#token, at: this.#at });
		if (at > this.#at) this.#take(token, at);
		this.#heard?.();
	}

	// ask waits until another tab has told its token, or none has.
	#ask() {
		return new Promise((done) => {
			this.#heard = done;
			setTimeout(done, PEERS);
			this.#channel.postMessage({ ask: true });
		});
	}

	// alone runs f while no other tab does. f is told whether it had to wait.
	#alone(f) {
		const locks = globalThis.navigator?.locks;
		// Without locks this tab does one thing after another; the server forgives two tabs at once.
		if (!locks) return this.#last = Promise.resolve(this.#last).then(() => f(false), () => f(false));
		return locks.request(this.#name, { ifAvailable: true }, (free) => free && f(false).then((v) => [v])).then(
			(did) => did ? did[0] : locks.request(this.#name, () => f(true)));
	}
}

function send(request, token) {
	request.headers.set("Authorization", "Bearer " + token.raw);
	return fetch(request);
}

function decode(part) {
	const bytes = atob(part.replace(/-/g, "+").replace(/_/g, "/"));
	return new TextDecoder().decode(Uint8Array.from(bytes, (c) => c.charCodeAt(0)));
}
