package facepage

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
)

// forge is problem 4: whoever holds a secret with which sessions are checked can
// make them. The verifying service holds none. With all that it has, the public
// keys, somebody tries.
func (w *Web) forge(r *http.Request, a *act, c caller) {
	ctx := r.Context()
	req, err := w.accounts.keySet(ctx)
	keys := a.ask(Accounts, "GET /.well-known/jwks.json: all that a verifier needs, open to all", req, err)
	req, err = http.NewRequestWithContext(ctx, http.MethodGet, w.cfg.Verifier+"/holds", nil)
	has := a.ask(Verifier, "GET /holds: what were you given?", req, err)
	var held holding
	if err := has.into(&held); err != nil || !keys.OK() {
		a.lost(either2(has, keys))
		a.Said = "A part could not be asked."
		return
	}
	a.fact("secrets", "what the verifying service was given", strings.Join(held.Secrets, "; "))
	a.fact("asked-questions", "what it asked about anybody since it was started, by its own count", strconv.Itoa(held.Asked[questions]))
	a.fact("asked-upkeep", "and how often for keys and revocations", strconv.Itoa(held.Asked[upkeep]))

	genuine := w.present(r, a, "your token as it is", c.token)
	altered := w.present(r, a, "your token, with another account written into it", as(c.token, "4711"))
	confused := w.present(r, a, "a token signed with the public key, as if it were a shared secret (HS256)", symmetric(c.token, keys.body))
	if !genuine.OK() {
		a.lost(genuine)
		a.Said = "Your own token was refused."
		return
	}
	a.fact("altered", "another account", altered.Reason)
	a.fact("confused", "signed with what everybody has", confused.Reason)
	a.Said = "The verifying service knew you, and refused both forgeries. What it holds can check and cannot sign."
	if altered.OK() || confused.OK() {
		a.Outcome, a.Said = refused, "A forged token was taken. That is a fault of this program: please report it."
	}
}

func either2(a, b reply) reply {
	if !a.OK() {
		return a
	}
	return b
}

func (w *Web) present(r *http.Request, a *act, sent, token string) reply {
	req, err := bearing(r.Context(), http.MethodGet, w.cfg.Verifier+"/verify", token)
	return a.ask(Verifier, sent, req, err)
}

// as writes another account into a token, whose signature stays.
func as(token, account string) string {
	parts := strings.Split(token, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return token
	}
	before, rest, _ := strings.Cut(string(payload), `"sub":"`)
	_, after, _ := strings.Cut(rest, `"`)
	parts[1] = base64.RawURLEncoding.EncodeToString([]byte(before + `"sub":"` + account + `"` + after))
	return strings.Join(parts, ".")
}

// symmetric signs a token's claims with the public key as a secret (A003): the
// classic confusion, with which a careless library lets everybody in.
func symmetric(token string, publicKey []byte) string {
	parts := strings.Split(token, ".")
	head := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"at+jwt"}`))
	mac := hmac.New(sha256.New, publicKey)
	mac.Write([]byte(head + "." + parts[1]))
	return head + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
