// Package jwks holds public keys as a JSON Web Key Set.
//
// A [Set] is what an issuer publishes; a [Remote] is what a verifier keeps of
// somebody else's. Both are jwt.Keys, so a jwt.Verifier takes either.
//
// # Why it looks the way it does
//
// A key set is fetched rarely and trusted completely, so its faults are quiet
// and last. Three of them have names. A cache that adds what it fetches to what
// it has never lets go of a withdrawn key: a Remote replaces. A library that
// refuses a whole set for one key it does not know turns the issuer's next
// algorithm into an outage: [Parse] judges each key alone. And a verifier that
// fetches for every unknown key ID is an amplifier in the hands of whoever can
// make up key IDs: a Remote fetches for them once per cool-down.
//
// # What it refuses to do
//
// It never publishes or accepts a private or a symmetric key. It asks no host
// that the configuration, or the configured issuer's own discovery document,
// did not name: redirects elsewhere are not followed, and no header of a token
// is ever a URL. It speaks plain http with this machine only.
package jwks
