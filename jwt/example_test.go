package jwt_test

import (
	"context"
	"fmt"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// An issuer signs; a service that has only the public key verifies.
func Example() {
	key, err := jwt.GenerateKey(jwt.ES256)
	if err != nil {
		panic(err)
	}
	now := time.Now()
	signer := jwt.NewSigner(func(time.Time) (*jwt.PrivateKey, error) { return key, nil }, jwt.KindAccess)
	raw, err := signer.Sign(now, &jwt.Access{
		Registered: jwt.Registered{
			Issuer: "https://id.example.com", Subject: "42", Audience: jwt.Audience{"https://api.example.com"},
			IssuedAt: jwt.TimeOf(now), Expires: jwt.TimeOf(now.Add(15 * time.Minute)), ID: jwt.NewID(),
		},
		Scope: "orders",
	})
	if err != nil {
		panic(err)
	}

	verifier, err := jwt.NewVerifier[jwt.Access](jwt.VerifierConfig{
		Issuer:   "https://id.example.com",
		Audience: []string{"https://api.example.com"},
		Keys:     jwt.NewSnapshot(key.Public()),
	})
	if err != nil {
		panic(err)
	}
	token, err := verifier.Verify(context.Background(), now, raw)
	if err != nil {
		panic(err)
	}
	fmt.Println(token.Claims().Subject, token.Claims().Scope, token.Algorithm())

	_, err = verifier.Verify(context.Background(), now.Add(15*time.Minute), raw)
	fmt.Println(jwt.ReasonOf(err))
	// Output:
	// 42 orders ES256
	// expired
}

// A claims type of one's own is a struct that embeds Registered and names its
// kind. A Verifier of that type takes no other kind.
func ExampleNewVerifier() {
	verifier, err := jwt.NewVerifier[reset](jwt.VerifierConfig{Issuer: "https://id.example.com"})
	fmt.Println(verifier == nil)
	fmt.Println(err)
	// Output:
	// true
	// jwt: unusable configuration
	// no Audience, or an empty one: say which names tokens for this service carry
	// no Keys: give a *Snapshot or a remote key set
}

// An address travels in a token that anybody may read, and only the service that
// mails opens it.
func ExampleAccess_SealPrivate() {
	mailer, err := jwt.GenerateOpenKey("ECDH-ES+A256KW") // the service that mails keeps it
	if err != nil {
		panic(err)
	}
	var claims jwt.Access
	err = claims.SealPrivate("email", "ada@example.com", jwt.Sealing{For: []*jwt.SealKey{mailer.SealKey()}})
	if err != nil {
		panic(err)
	}

	var email string
	fmt.Println(claims.OpenPrivate("email", &email, mailer), email)
	somebody, _ := jwt.GenerateOpenKey("ECDH-ES+A256KW")
	fmt.Println(claims.OpenPrivate("email", &email, somebody))
	// Output:
	// <nil> ada@example.com
	// jwt: key: sealed for none of the keys given; add the one whose ID is its kid
}

// Bytes for two readers, who each have a key of their own.
func ExampleSeal() {
	ada, _ := jwt.GenerateOpenKey("A256KW")
	bob, _ := jwt.GenerateOpenKey("RSA-OAEP-256")
	sealed, err := jwt.Seal([]byte("at noon"), jwt.Sealing{For: []*jwt.SealKey{ada.SealKey(), bob.SealKey()}})
	if err != nil {
		panic(err)
	}
	opened, err := jwt.Open(sealed, bob)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s, opened with bob's key: %v\n", opened.Plaintext, opened.KeyID == bob.ID())
	// Output: at noon, opened with bob's key: true
}
