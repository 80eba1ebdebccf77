// Package feed carries revocation rules over HTTP.
//
// A [Handler] stands at the origin, where rules are appended. A [Client] stands
// at every verifier and keeps a [revocation.Index] up with it, so that a logout
// reaches a service on another machine in milliseconds and no request asks
// anybody. The format is docs/spec/revocation-feed.md.
//
// The way back carries sightings: verifiers tell the origin which sessions are in
// use, in batches and as far as their credential goes ([Client.Sight]). An origin
// also answers questions by identifiers, from those who hold no token.
//
// Two questions decide the design. The first: has every rule arrived? Rules are
// numbered in the order of their commits, a client says how far it has read, and
// an origin that cannot go on from there says so (410); the client then merges
// everything that is in force. The second: is the silence real? A buffering
// proxy, a replaying cache or a stepped clock must not make old news look new.
// So freshness is measured on one stopwatch, the origin's, from the moment at
// which the client asked, and an answer repeats a number that only this question
// carried.
//
// The package refuses to guess. A rule that it does not understand makes a client
// stale and is never skipped. Credentials go to the one host that was named, over
// https (plain http is for this machine), through no proxy and after no redirect.
// The feed names sessions and subjects, so nobody reads it without a credential.
package feed
