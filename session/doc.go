// Package session keeps refreshable sessions.
//
// A session is a short access token, which any verifier checks offline, behind
// a refresh token that changes as it is used. The store keeps one row for each
// session. A refresh is one read and at most one write of it.
//
// What a refresh does is decided by one pure function, step. Its promise: an
// honest client is never logged out while a request and an answer each take
// under 20 seconds, with tabs that race and nodes whose clocks differ, through
// two lost answers, a store that forgets its last write, or a browser that dies
// before its cookies are on the disk. Where these come together it can happen:
// docs/design/session.md has what was searched. A stolen refresh token is found
// out by its use, and ends the session, unless the thief keeps so close behind
// the owner that he looks like a second tab. Tests search that function for the
// shortest way to break either promise.
//
// A refresh token is derived, never stored: from a master key, the session ID
// and a generation number. A stolen database makes no tokens, a forged token is
// refused before any query, and repeating a lost answer needs no record of it.
//
// What it refuses to do: it adopts no session ID that a client sent, asks for
// no password, writes no cookie, logs nothing, opens no session for an account
// without asking for its epoch first, and ends none because a store is away.
package session
