package problem

import "net/http"

// A Code is one of a closed, versioned list. The codes of refused credentials
// are the reasons of docs/spec/reasons.md, word for word.
type Code string

// meaning is what the world is told of a code.
type meaning struct {
	status int
	detail string
	hint   string
	bearer string // the error of RFC 6750 §3.1; empty: the code says nothing of a credential
}

// Codes that are not reasons of a token.
const (
	Internal         Code = "internal"
	NotFound         Code = "not_found"
	MethodNotAllowed Code = "method_not_allowed"
	TooLarge         Code = "too_large"
	UnsupportedMedia Code = "unsupported_media_type"
	InsecureRequest  Code = "insecure_request"
	Busy             Code = "busy"
	NotImplemented   Code = "not_implemented"
	Conflict         Code = "conflict"
	Invalid          Code = "invalid"
	BadCredentials   Code = "bad_credentials"
	FeedCredential   Code = "feed_credential"
	SnapshotRequired Code = "snapshot_required"
)

const (
	invalidToken   = "invalid_token"
	invalidRequest = "invalid_request"
	noScope        = "insufficient_scope"
	refreshOnce    = "Refresh the session once, then repeat the request once."
	logIn          = "Log in again."
	lookAtToken    = "Send the token exactly as it was issued; jotkeeper token inspect shows what it holds."
	wait           = "Wait as Retry-After says, then repeat the request; the session is still good."
)

var meanings = map[Code]meaning{
	"malformed_request": {400, "The request could not be read.", "Correct the request; the detail says what is wrong.", invalidRequest},
	"ambiguous":         {400, "The request carries two different credentials.", "Send one credential, in one place.", invalidRequest},

	"missing":   {401, "This needs a token.", "Send Authorization: Bearer with an access token, or the session cookie.", "missing"},
	"malformed": {401, "The credential is not a token.", lookAtToken, invalidToken},
	"header":    {401, "The token's header is not one that its issuer produces.", lookAtToken, invalidToken},
	"key":       {401, "The token is signed by a key that is not in use.", refreshOnce, invalidToken},
	"signature": {401, "The token's signature does not hold.", lookAtToken, invalidToken},
	"issuer":    {401, "The token comes from another issuer.", "Get a token of the issuer that this service trusts.", invalidToken},
	"audience":  {401, "The token is meant for another service.", "Get a token for this service's audience.", invalidToken},
	"kind":      {401, "This kind of token is not accepted here.", "Send an access token.", invalidToken},
	"claims":    {401, "The token's claims are incomplete or not well formed.", lookAtToken, invalidToken},
	"early":     {401, "The token is not valid yet.", "Check the clocks of the issuer and of this service.", invalidToken},
	"expired":   {401, "The token has expired.", refreshOnce, invalidToken},
	"revoked":   {401, "This session has ended.", logIn, invalidToken},
	"idle":      {401, "This session was not used for too long.", logIn, invalidToken},
	"absolute":  {401, "This session has reached its age limit.", logIn, invalidToken},
	"reused":    {401, "This session's refresh token was used twice, so the session was ended.", logIn, invalidToken},
	"binding":   {401, "The credential is bound to another browser or key.", "Use it from where it was issued, or log in again.", invalidToken},
	"stale":     {401, "The token must be renewed before it is accepted here.", refreshOnce, invalidToken},
	"step_up":   {401, "This needs a more recent login.", logIn, "insufficient_user_authentication"},

	"scope":  {403, "The token does not carry the scope that this needs.", "Get a token with that scope.", noScope},
	"csrf":   {403, "The request could have been sent by another site.", "Send it from a page of a trusted origin.", ""},
	"origin": {403, "The request comes from an origin that is not trusted.", "Add the origin's host to --app-domains, or send the request without a browser's cookies.", ""},

	"unavailable": {503, "This cannot be decided at the moment.", wait, ""},
	Busy:          {503, "The server has more work than it can take.", wait, ""},

	NotFound:         {404, "There is nothing at this address.", "See docs/reference/http-api.md for the routes.", ""},
	MethodNotAllowed: {405, "This address does not take this method.", "The Allow header names the methods it takes.", ""},
	Conflict:         {409, "It was changed by another request in between.", "Read it again and repeat the change.", ""},
	TooLarge:         {413, "The request's body is too large.", "Send at most 64 KiB.", ""},
	UnsupportedMedia: {415, "This content type is not understood.", "Send application/json or application/x-www-form-urlencoded.", ""},
	Invalid:          {422, "A value was refused.", "Correct the value that the detail names.", ""},
	InsecureRequest:  {403, "This request came over plain HTTP.", "Use https.", ""},
	BadCredentials:   {401, "The administrator's credentials are wrong.", "Use Basic authentication with the name and password of the private routes.", ""},
	FeedCredential:   {401, "The credential is not good for the revocation feed.", "Send Authorization: Bearer with a credential of this feed.", invalidToken},
	SnapshotRequired: {410, "The feed cannot go on from this cursor.", "Merge the snapshot into what you hold, then follow from its cursor.", ""},
	NotImplemented:   {501, "This server does not do that.", "See /configuration for what it does.", ""},
	Internal:         {500, "Something went wrong here.", "Repeat the request; the server's log tells more under this request ID.", ""},
}

// lookUp returns a code's meaning; an unknown code is an internal error, so
// that a cause never reaches a stranger as its own text.
func lookUp(c Code) (Code, meaning) {
	if m, ok := meanings[c]; ok {
		return c, m
	}
	return Internal, meanings[Internal]
}

// Status returns the HTTP status of a code, 500 for an unknown one.
func Status(c Code) int {
	_, m := lookUp(c)
	return m.status
}

// Codes returns the closed list, each code with its status and its sentence.
func Codes() map[Code]string {
	all := make(map[Code]string, len(meanings))
	for c, m := range meanings {
		all[c] = http.StatusText(m.status) + ": " + m.detail
	}
	return all
}
