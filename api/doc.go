// Package api defines the JSON messages of the auth server.
//
// It is the wire and nothing else: no behaviour, no import of another room, so
// that a client in Go and the server cannot disagree about a member's name.
// The compatible routes speak Keratin AuthN's envelopes, [Result] and
// [Refused]; docs/reference/http-api.md says which route answers which
// message.
//
// It refuses to know HTTP: status codes and headers belong to the server.
package api
