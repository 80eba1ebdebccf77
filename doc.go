// Package jotkeeper authenticates net/http requests that carry a session token.
//
// There are three names to learn. [New] makes an authenticator for one issuer
// and one audience, [Auth.Handler] guards a handler with it, and
// [FromContext] tells the handler who is asking:
//
//	auth, err := jotkeeper.New(jotkeeper.Config{
//		Issuer:   "https://id.example.com",
//		Audience: "api.example.com",
//	})
//	mux.Handle("GET /orders", auth.Handler(orders))
//	mux.Handle("POST /payout", auth.Handler(payout, jotkeeper.Scope("pay"), jotkeeper.Revalidate()))
//
//	claims, ok := jotkeeper.FromContext(r.Context())
//
// # One token, two headers
//
// The token is read from "Authorization: Bearer …" or from the cookie
// __Host-jotkeeper. A request that carries both is accepted when both verify
// and belong to one session, and the header's decides; any other pair is
// refused as ambiguous, so that no request is ever half one person and half
// another.
//
// A browser attaches a cookie to requests that other sites start. Therefore a
// request that may change something (any method but GET, HEAD and OPTIONS, and
// every WebSocket) and carries its token in the cookie must come from the same
// origin or from one of [Config.Origins]. A token in the header needs no such
// check.
//
// # No network
//
// Checking a token costs no network. The issuer's public keys are fetched
// once, kept, and fetched again only when a token names a key that is not
// among them. A route that must not ride on a token that was revoked a moment
// ago asks the issuer with [Revalidate].
//
// # Revocation
//
// With [Config.Feed] an Auth follows the issuer's revocations by itself: a
// session that ended is refused within milliseconds, and still no request asks
// anybody. When the feed falls silent, a route that says [WhenStale] acts after
// Feed.MaxStale; the others go on for Feed.Ride, then do what Feed.Then says. A
// program that has not heard a word yet answers 503. [Auth.Stats] tells how it
// fares. If the credential may, an Auth also tells the issuer which sessions are in
// use here, beside the requests: a stolen refresh token is then found sooner.
//
// When an account's rights are widened, its tokens from before are accepted and
// the answers to them marked "Jotkeeper-Renew: 1": refresh soon. Only a route
// that says [Fresh] refuses them, as stale. A right that was taken away is
// refused everywhere.
//
// # Refusals
//
// A refusal is an RFC 9457 problem with a reason of the closed list in
// docs/spec/reasons.md, and a WWW-Authenticate header (RFC 6750). A 401 means
// "refresh the session once, repeat the request once"; a 503 means "cannot
// know now, the session is still yours".
//
// # What it refuses to do
//
// It makes no tokens. It takes no token from a URL, unless a route says
// [InsecureFromQuery]. It does not start without an issuer and an audience. It
// refuses a token that is bound to another credential (RFC 7800 cnf) when it
// has no way to check that credential: it checks cookie locks, wherever the
// token says so ([Config.Lock]), and nothing else.
//
// # Compatibility
//
// The reasons, the cookie's name and the shape of refusals are versioned
// formats: they grow, and what exists keeps its meaning.
package jotkeeper
