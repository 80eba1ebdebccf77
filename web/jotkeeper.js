// jotkeeper.js keeps a page's session with a Jotkeeper auth server.
//
// The access token is renewed at half its life, once for all tabs. Only an answer
// to a refresh that says so ends the session: a lost answer is asked for once
// more, a 503 waits, everything else keeps what there is.
// Guide: docs/guides/browser.md. Version 1.

const FINAL = ["revoked", "idle", "absolute", "reused"];

// Refused is an answer that is not what was asked for. code is a reason of
// docs/spec/reasons.md; errors are the fields that a form should mark.
export class Refused extends Error {
	constructor(status, { error, detail, code, errors = [] }, after) {
		super(error ?? detail ?? "HTTP " + status);
		Object.assign(this, { status, code, errors, after });
	}
}

// Jotkeeper dispatches "change" when somebody logs in or out, in any tab.
export class Jotkeeper extends EventTarget {
	#issuer; #name; #services; #store; #channel; #timer; #flight; #heard; #last; #token;
	#open = new AbortController();
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
		// A page that may have no channel is on its own.
		try {
			this.#channel = new BroadcastChannel(this.#name);
			this.#channel.onmessage = (m) => this.#hear(m.data);
		} catch {}
		for (const name of ["visibilitychange", "pageshow"]) globalThis.addEventListener?.(name, (e) => this.#wake(e), this.#open);
	}

	// claims are the token's, to show; whoever decides by them verifies the token.
	get claims() { return this.#token?.claims; }

	// resume goes on with the session of another tab or of an earlier visit. It
	// tells whether there is one, and throws when that cannot be known now.
	async resume() {
		await this.#renew();
		return !!this.#token;
	}

	signUp(form) { return this.#enter("/accounts", form); }
	logIn(form) { return this.#enter("/session", form); }
	changePassword(form) { return this.#enter("/password", form, true); }

	logOut() {
		return this.#alone(async () => {
			await this.#call("/session", await this.#held(), {}, "DELETE");
			return this.#end();
		});
	}

	// fetch is the global fetch, with the token for the services and nobody else.
	// A 401 is answered by one refresh and one repetition. Where that was in vain,
	// the next refresh for a 401 is 5 seconds away.
	async fetch(input, init) {
		const request = new Request(input, init);
		if (!this.#services.includes(new URL(request.url).origin)) return fetch(request);
		if (Date.now() >= this.#token?.expires) await this.#renew();
		const token = this.#token;
		if (!token) throw new Refused(401, { code: "missing", error: "Nobody is logged in." });
		const answer = await send(request.clone(), token);
		const age = Math.abs(Date.now() - token.got); // a clock may be set back
		if (age > 30_000 && answer.headers.has("Jotkeeper-Renew")) this.#quietly(token);
		if (answer.status !== 401 || token.vain && age < 5000) return answer;
		await this.#quietly(token);
		const next = this.#token;
		if (!next || next === token) return answer;
		const second = await send(request, next);
		next.vain = second.status === 401;
		return second;
	}

	close() {
		this.#open.abort();
		this.#later();
		this.#channel?.close();
		this.#channel = null;
	}

	// wake renews what is due. A page that comes back from the browser's history
	// has missed what the others said, be it a logout: its token counts for nothing
	// until the server has been asked.
	#wake(e) {
		const token = this.#token;
		if (token && e.persisted) token.expires = token.renew = 0;
		if (Date.now() >= token?.renew) this.#quietly();
	}

	#quietly(used) { return this.#renew(used).catch(() => {}); }

	// renew replaces the token used, unless that has happened already: once in
	// this tab, and once in all of them.
	async #renew(used = this.#token) {
		if (this.#token === used) await (this.#flight ??= this.#alone(async (waited) => {
			if (waited || !used) await this.#ask();
			if (this.#token === used) await this.#refresh(used);
		}).finally(() => { this.#flight = null; }));
	}

	async #refresh(used) {
		try {
			await this.#keep(await this.#exchange(), used);
		} catch (e) {
			const token = this.#token;
			if (token && token !== used) return; // it is about the session from before
			const gone = e.code === "missing" && !(Date.now() < token?.expires);
			if (gone || FINAL.includes(e.code)) return this.#end();
			const pause = Math.min(30_000, 1000 * 2 ** this.#failures++);
			// Retry-After is in seconds, or a date.
			this.#later(Math.max(pause, 1000 * e.after || Date.parse(e.after) - Date.now() || 0));
			throw e;
		}
	}

	// exchange asks once more when the answer was lost, since it is the same one, and
	// whenever another program with this store was first.
	async #exchange(again) {
		const held = await this.#held();
		return this.#call("/session/refresh", held).catch(async (e) => {
			if (e.status === 401 ? held === await this.#held() : again || e.status) throw e;
			return this.#exchange(true);
		});
	}

	#enter(path, form, old) {
		return this.#alone(async () => this.#keep(await this.#call(path, old && await this.#held(), form)));
	}

	// held is the refresh token at hand, if it is not in a cookie.
	#held() { return this.#store?.load(); }

	async #call(path, held, form, method = "POST") {
		const answer = await fetch(this.#issuer + path, {
			method,
			body: new URLSearchParams(this.#store ? { ...form, transport: "body", refresh_token: held ?? "" } : form),
			credentials: this.#store ? "omit" : "include",
			// What is sent is for the issuer alone.
			redirect: "error",
			signal: AbortSignal.timeout(10_000),
		});
		if (!answer.ok) throw new Refused(answer.status, await answer.json().catch(() => ({})), answer.headers.get("Retry-After"));
		const text = await answer.text();
		return text && JSON.parse(text).result;
	}

	// keep stores the refresh token before its access token is used. An answer that
	// comes after another login, or a logout, is for nobody.
	async #keep({ id_token, refresh_token }, used = this.#token) {
		const part = id_token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
		const claims = await new Response(Uint8Array.from(atob(part), (c) => c.charCodeAt())).json();
		if (this.#token !== used && this.claims?.sid !== claims.sid) return;
		if (refresh_token) await this.#store?.save(refresh_token);
		this.#failures = 0;
		const got = Date.now(), life = 1000 * (claims.exp - claims.iat); // on this machine's clock
		this.#share({ raw: id_token, claims, got, expires: got + life, renew: got + life / 2 });
	}

	#end() {
		this.#share();
		return this.#store?.save("");
	}

	#share(token) {
		const word = { token, at: Math.max(Date.now(), this.#at + 1) };
		this.#hear(word);
		this.#channel?.postMessage(word);
	}

	// hear answers who asks, and takes the last word on who is logged in.
	#hear({ ask, token, at }) {
		if (ask) return this.#token && this.#channel.postMessage({ token: this.#token, at: this.#at });
		this.#heard?.();
		if (at <= this.#at) return;
		const before = this.claims?.sid;
		this.#token = token;
		this.#at = at;
		this.#later(token?.renew - Date.now());
		if (before !== this.claims?.sid) this.dispatchEvent(new Event("change"));
	}

	// later renews in so many ms or somewhat more, so that not everybody comes at
	// once. Beyond 2^31 a timer would end at once.
	#later(ms) {
		clearTimeout(this.#timer);
		if (this.#token && !this.#open.signal.aborted) this.#timer = setTimeout(() => this.#quietly(), Math.min(ms * (1 + Math.random() / 5), 1e9));
	}

	// ask waits until another tab has told its token, or none has in time.
	#ask() {
		return new Promise((done) => {
			this.#heard = done;
			setTimeout(done, 200);
			this.#channel?.postMessage({ ask: true });
		});
	}

	// alone runs f while no other tab does. f is told whether it had to wait.
	async #alone(f, waited) {
		let lock;
		try {
			const done = await navigator.locks.request(this.#name, { ifAvailable: !waited }, (given) => (lock = given) && f(waited));
			return lock ? done : this.#alone(f, true);
		} catch (e) {
			if (lock) throw e;
			// A page that may have no locks does one thing after another; the server
			// forgives two tabs at once.
			return this.#last = Promise.allSettled([this.#last]).then(() => f());
		}
	}
}

function send(request, { raw }) {
	request.headers.set("Authorization", "Bearer " + raw);
	return fetch(request);
}
