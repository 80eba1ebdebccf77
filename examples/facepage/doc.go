// Package facepage plays an application whose pages show what a session is.
//
// Facepage is an application where you log in and see a face. It is told as four
// processes: the account server, which is what jotkeeper serve runs, with a few
// routes of its own (Desk); the web application, whose users are account IDs and
// nothing else (Web); its JSON API; and a service that only verifies (Serve runs
// these two). Each page of the web application is one problem that such
// applications have, an act that you start, and what came of it: the token that
// was used, what each process answered, what each wrote into its log.
//
// It is an example and not a room to build on: copy from it. What a page claims
// was measured by the act that it shows; nothing is counted beforehand.
//
// It refuses to be reached by another name than that of a loopback address, to
// load anything from elsewhere, and to write a token, a password or a link into
// a log. A page shows a token to the person whose it is, because that is its point.
package facepage
