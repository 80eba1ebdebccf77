// Package problem writes every refusal that leaves over HTTP.
//
// Every refusal is an RFC 9457 problem with a code of a closed list, a
// sentence for people, a hint at the remedy, and the ID of the request. It is
// the one place that knows which status a code has and how a bearer refusal
// looks in WWW-Authenticate (RFC 6750 §3). What is not in the list becomes a
// wordless 500: the cause belongs to the log, not to a stranger.
//
// It refuses to tell a cause, and to judge: which code an error has is said by
// who answers.
package problem
