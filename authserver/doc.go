// Package authserver serves accounts and sessions over HTTP.
//
// The table in routes.go is the whole of it: each line names a method, a path,
// the guard that stands before it, whether it changes anything, and the
// function that answers. A guard hands the function a proof (who asks, from
// which origin, with which session) and the function's signature demands it,
// so a route without its guard does not compile.
//
// The base of the API is Keratin AuthN's, so that its published clients work
// unmodified; docs/spec/divergences.md lists where we do better. What went
// wrong becomes an answer in one file, trouble.go: an unknown error is a
// wordless 500, trouble with the store is a 503, never a logout.
//
// # What it refuses to do
//
// It never touches a store: the rooms do, and what spans several of them is
// an act of internal/acts. It logs one line per request, made of closed lists
// and encoded text: never a token, a password, a cookie, a path or a query as
// it was sent. It sets no http.Server limits and opens no listener: that is
// the command's.
package authserver
