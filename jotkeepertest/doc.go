// Package jotkeepertest mints tokens for your tests.
//
// An [Issuer] is a whole issuer in your test's process: it signs access tokens,
// serves its key set and its discovery document, and answers Revalidate. It
// needs no network beyond this machine and is gone when the test ends.
//
// It also misbehaves when told to, in the ways that real issuers do on bad days
// and hostile ones on good days: see [Issuer.Misbehave]. What your service does
// then is worth a test.
//
// # What it refuses to do
//
// It keeps no accounts and knows no passwords: it is not the auth server. It
// signs what you ask for, so it belongs into tests only, which is why it wants
// a testing.TB.
package jotkeepertest
