// Package revocation tells whether a verified token has been revoked.
//
// A JWT is checked without state, a logout needs state. Jotkeeper does not send
// each request to a store to ask; it brings the few live rules to every
// verifier. Whoever revokes appends a [Rule] to a [Log]. Whoever verifies keeps
// an [Index] of one issuer's rules, lets [Follow] keep it up with a [Source],
// and asks [Index.Check] about each token that has already proved genuine.
//
// Three decisions carry the rest:
//
//   - A rule for everything of a subject, tenant or issuer speaks of a place in
//     the log, never of a time. A token says in its rev claim how far its issuer
//     had read when it signed; the rule kills what was signed before it. There is
//     no same-second hole, and no two clocks are compared.
//   - Rules only strengthen. None < Rotate < Revoke, and nothing that is read
//     later, in another order, or a second time takes anything back. Only time
//     does, when no token that a rule could match is alive any more.
//   - One index speaks for one issuer. What another issuer calls by the same ID
//     is not touched.
//
// The package refuses to guess: an empty ID, an unknown scope or an unknown
// action is an error, and a follower that meets one becomes stale instead of
// skipping it. It verifies no signature, opens no connection, and never reads
// the clock inside a check.
package revocation
