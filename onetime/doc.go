// Package onetime owns single-use tokens scoped to one purpose.
//
// A link in a mail is a key to an account that lies in other people's computers
// for years. So each token opens one door, once, for minutes, and only while
// what it may change is still as it was when the token was made:
//
//	resets, err := onetime.New[onetime.Reset](onetime.Config{
//		Issuer: issuer, Signer: ring.Signer(onetime.KindReset), Keys: ring, Store: db.OneTimes,
//	})
//	link, err := resets.Issue(ctx, now, onetime.Order{Subject: "42", Version: user.PasswordVersion})
//
//	token, err := resets.Open(ctx, now, raw)                      // the page with the form: GET
//	err = resets.On(tx.OneTimes).Take(ctx, now, token, user.PasswordVersion) // the form: POST
//
// # Why it is built this way
//
// The purpose is the token's type, in JOSE and in Go: whoever holds a
// Tokens[Reset] can neither make nor accept a Login, and a verifier of sessions
// refuses both. A forged token dies on its signature, before any query.
//
// Its lock is a version, a number that the owner of what it may change raises
// with every change, and never a time: two changes within a second are two
// versions, and no clock is asked. Setting a password kills every link that was
// sent before, because none of them names the new version.
//
// The store keeps a hash of the token's ID. A stolen database opens nothing.
// Take deletes it, and of any number of callers one is told that it did.
//
// # What it refuses to do
//
// It builds no link and sends no mail. Looking consumes nothing: mail scanners
// follow links, so only a POST may call Take. It opens no session; what a token
// is good for is up to its one door.
package onetime
