// Package jwt is the one door to signed and sealed tokens.
//
// A token is accepted here or nowhere: signature, algorithm, type, issuer,
// audience and times are checked by one function, [Verifier.Verify], in one
// order, whether the token came in a cookie, a header or a mail link. What it
// hands out is a [Token] of one kind, and nothing else can make one, so a
// function that takes a Token[Access] need not ask whether somebody looked.
//
// # Why it looks the way it does
//
// Most faults of JWT libraries are one fault: the token says how it wants to be
// checked. Here it says nothing. The header is not parsed but looked up, whole,
// among the few headers that the issuer's keys produce; what is found is a key,
// and the key knows its only algorithm. "none", a public key used as an HMAC
// secret, an embedded key, an unknown critical extension and a token of
// another type are then the same thing, a header that nobody registered.
//
// A genuine token is presented many times, so what was verified is remembered
// under the token's SHA-256: a hit costs well under a microsecond and allocates
// nothing. It is still asked whether its time has come or passed and whether
// its key is still in force.
//
// # Sealed
//
// [Seal] encrypts for the holders of keys, [Open] decrypts. A sealed claim
// ([Access.SealPrivate]) travels inside a signed token, for one service out of
// many; a sealed token ([Signer.Seal], [Verifier.Open]) shows no claim to who
// carries it. Each content has its own door, so that nothing decrypted passes
// for something verified, and where a signed token is due a sealed one is
// refused unread.
//
// # What it refuses to do
//
// It does not know what was revoked: ask a revocation index after each Verify,
// hit or miss, by (iss, jti) or (iss, sid). Never identify a token by its text
// or a hash of it: an ECDSA signature (r, s) has a valid twin (r, n-s), so one
// token has two accepted spellings.
//
// It fetches nothing: keys come as a [Snapshot] from whoever implements [Keys].
// It follows no jku or x5u, decompresses nothing and logs nothing. It takes no
// password, so it seals under none. It takes HMAC keys only from a Verifier that
// was told OneApplication, and from [InsecureHMAC], which says what it is.
//
// The package exports more names than our budget of 25: the closed list of
// reasons alone has 24.
package jwt
