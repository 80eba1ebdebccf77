// Package keyring owns the private signing keys.
//
// A [Ring] makes keys, keeps them encrypted in a [Store], moves them through
// their calendar, publishes their public halves as a jwks.Set, and hands out a
// jwt.Signer that always signs with the key whose turn it is:
//
//	next → active → retired → gone
//
// # Why it looks the way it does
//
// A token that no verifier can check is a logout for its bearer. It comes about
// when a key signs before every verifier could have fetched it, or leaves
// before its last token has expired. So the next key is published a whole
// period ahead, at least three times the max-age of the published set; a retired
// key stays until the last token any node may have signed with it is over; and
// what a node cannot know, having lost touch with the store, it does not sign.
//
// Which key signs is a function of the stored calendar and of the time, not of
// a message or a lock: nodes that are started, stopped, cut off or killed at
// any moment agree without talking. The store elects the node that makes a key:
// a period can be inserted once, and who comes second takes the winner's.
//
// Periods are counted, not computed from the clock, so changing a setting never
// renumbers them, and no key is dropped because a number changed.
//
// docs/design/keyring.md walks through the order of writes, crash by crash.
//
// # What it refuses to do
//
// It never shows a private key, in whatever form, and publishes no key that it
// could not open: a row that somebody planted in the database is not published.
// It does not append revocation rules: who calls [Ring.Compromise] does, in the
// same transaction.
package keyring
