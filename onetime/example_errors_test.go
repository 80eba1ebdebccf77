package onetime_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/onetime"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

// opened returns the verifications of an issuer over a store in memory, with a
// link that was opened.
func opened(ctx context.Context, now time.Time) (*onetime.Tokens[onetime.Verify], *jwt.Token[onetime.Verify]) {
	verifications, err := onetime.New[onetime.Verify](onetime.Config{
		Issuer: "https://id.example.com", Keys: exampleKeys, Store: memory.New().Set().OneTimes,
		Signer: jwt.NewSigner(exampleSigning, onetime.KindVerify),
	})
	if err != nil {
		log.Fatal(err)
	}
	link, err := verifications.Issue(ctx, now, onetime.Order{Subject: "42", Version: 7})
	if err != nil {
		log.Fatal(err)
	}
	token, err := verifications.Open(ctx, now, link)
	if err != nil {
		log.Fatal(err)
	}
	return verifications, token
}

// said is what a page answers to a link that was followed.
func said(err error) string {
	switch {
	case err == nil:
		return "the address is yours"
	case errors.Is(err, onetime.ErrVersion):
		return "the address has changed since"
	case errors.Is(err, onetime.ErrUsed):
		return "the link was used"
	case errors.Is(err, onetime.ErrRetry):
		return "come again"
	}
	return "the link is none of ours"
}

// The version is that of the address as it is now. Every error has its answer.
func ExampleTokens_Take() {
	ctx, now := context.Background(), time.Now()
	verifications, token := opened(ctx, now)
	fmt.Println(errors.Is(verifications.Take(ctx, now, token, 8), onetime.ErrVersion))
	fmt.Println(said(verifications.Take(ctx, now, token, 7)))
	err := verifications.Take(ctx, now, token, 7)
	fmt.Println(errors.Is(err, onetime.ErrUsed), errors.Is(err, onetime.ErrRetry), said(err))
	// Output:
	// true
	// the address is yours
	// true false the link was used
}

// An account that is closed leaves no link that works.
func ExampleTokens_Drop() {
	ctx, now := context.Background(), time.Now()
	verifications, token := opened(ctx, now)
	fmt.Println(verifications.Drop(ctx, "42"))
	fmt.Println(said(verifications.Take(ctx, now, token, 7)))
	// Output:
	// <nil>
	// the link was used
}

// Every purpose has these claims; Bound gives them, whatever the purpose.
func ExampleClaims() {
	ctx, now := context.Background(), time.Now()
	_, token := opened(ctx, now)
	var c *onetime.Claims = token.Claims().Bound()
	fmt.Println(c.Subject, c.Version, token.Claims().Kind() == onetime.KindVerify)
	// Output:
	// 42 7 true
}

// New tells everything that is missing.
func ExampleNew() {
	_, err := onetime.New[onetime.Reset](onetime.Config{})
	fmt.Println(errors.Is(err, onetime.ErrConfig))
	// Output:
	// true
}

// A Store keeps hashes of what was not used yet.
func ExampleStore() {
	ctx, now := context.Background(), time.Now()
	var unused onetime.Store = memory.New().Set().OneTimes
	record := onetime.Record{Hash: "0a1b", Purpose: "verify+jwt", Subject: "42", IssuedAt: now, Expires: now.Add(time.Hour)}
	fmt.Println(unused.Put(ctx, record, 3))
	fmt.Println(errors.Is(unused.Put(ctx, record, 3), onetime.ErrConflict))
	_, err := unused.Find(ctx, "another")
	fmt.Println(errors.Is(err, onetime.ErrNotFound))
	// Output:
	// <nil>
	// true
	// true
}
