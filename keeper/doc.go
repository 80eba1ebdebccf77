// Package keeper keeps single-token sessions that renew themselves.
//
// It is for a Go program that owns its sessions. A login signs one token and
// stores nothing. Each request shows the token, and [Keeper.Find] answers from
// memory: is it genuine, is it in time, is it revoked. Once half of its life is
// over, or when somebody asked for it, [Keeper.Renew] exchanges it for its one
// successor. What the store sees are renewals and revocations, nothing else.
//
// Three decisions carry the rest:
//
//   - A token has at most one successor, decided by one atomic step of the
//     [Store]. Whoever else renews the same token gets that successor too, byte
//     for byte: ten requests of one page, or a client whose answer was lost.
//   - A renewed token goes on working until its successor has been seen, and a
//     grace longer. From then on showing it is theft: one of two holders took
//     it, nobody can tell which, and the session ends.
//   - A logout beats every renewal. The step that records a successor looks at
//     the log of revocations in the same transaction, so a renewal under way
//     never brings a session back.
//
// docs/design/keeper.md tells why, and what a crash leaves behind.
//
// # Over HTTP
//
// [Keeper.Handler] guards a handler: it takes the token from the header or the
// cookie, finds, renews, and gives the new one back the way the old one came.
// [FromContext] tells the handler who asks. [Keeper.Write] gives a token at a
// login, [Keeper.Clear] ends the session at a logout.
//
// # Locked to a browser
//
// A token of a login with [Claims.Locked] is worth nothing by itself: Write sets
// a second cookie beside it, with a lock that no script reads, and a request must
// bring both. [Config].Lock can demand that of all tokens. Handler, Clear and
// [Keeper.FindRequest] look at the request for the lock; Find, which is shown a
// text alone, refuses a locked token. Whoever has a copy of it can bring nothing
// about, also not the end of the session. Package binding is for other verifiers.
//
// # What it refuses to do
//
// It signs nothing while it may have missed a revocation ([ErrStale]). It renews
// no token that has expired, by no leeway, and none beyond the end that its
// session was given at the login. It takes no session ID and no lock from a
// client, deletes no cookie but at a logout, or of the session that a login ended,
// logs nothing, and its values print neither token nor lock.
package keeper
