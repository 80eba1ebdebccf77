// Package account owns people's identifiers with their credentials.
//
// It decides what a name may look like and when two spellings are the same
// person, what a password must be, whether a password is right, and what an
// account may do. It never opens a session: whoever has authenticated somebody
// hands the [Row] to package session.
//
// Three promises shape the code:
//
//   - A stranger cannot be told from a member. Every attempt, whoever it names,
//     costs one look-up, one count and one hash, and a wrong one has one answer.
//     That an account is locked, or must change its password, is said only to
//     who knows the password.
//   - A guess is counted before it is judged, atomically, at every door that
//     takes a password. A hundred guesses at once are a hundred counts.
//   - Hashing cannot take the machine down. Argon2id runs in a small pool with a
//     bounded queue; past that the answer is [ErrBusy], at once.
//
// The package refuses to read the clock, to send mail, and to delay or lock
// anybody out by itself: it counts, and shows the count.
package account
