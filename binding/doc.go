// Package binding ties a token to the browser or key that may present it.
//
// A bearer token works for whoever holds it: a script that reads it, a log that
// it slipped into, a proxy on its way. A cookie lock makes it worthless alone.
// The browser keeps 32 random bytes in a cookie of its own that no script can
// read; the signed token carries their hash (cnf.lck, docs/spec/cookie-lock.md).
// A request must bring both halves, and neither is worth anything without the
// other.
//
// The lock is made at login and lives as long as the session ID:
//
//	lock := binding.NewLock()
//	claims.Confirmation = lock.Confirmation(claims.SessionID)
//	http.SetCookie(w, lock.Cookie(claims.SessionID, expires))
//
// Whoever verifies checks with [Policy.Check]: any algorithm, no secret, no
// network. The root package does so by itself.
//
// Whether a token is locked is read from what its issuer signed, never from
// which cookies came along: a cookie of another session, or of none, neither
// opens a locked token nor hurts an unlocked one.
//
// # What it refuses to do
//
// It never clears a cookie because a check failed: a request that was overtaken
// must not log a browser out. It does not stop a script from using the page it
// runs in, only from taking the session away.
//
// # Tokens of JWT Keeper
//
// [InsecureHMACSuffix] reads the tokens of the Ruby gem, whose key was a secret
// with the cookie's secret behind it, until a date that you must name.
package binding
