package keyring_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keyring"
	"github.com/jotkeeper/jotkeeper/secret"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

// A program that issues its own tokens opens a ring, lets it turn in the
// background, and signs through it.
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	backend := memory.New()
	defer backend.Close()

	ring, err := keyring.Open(ctx, time.Now(), keyring.Config{
		Store:  backend.Set().Keys,
		Master: secret.NewRing(secret.Generate()), // yours comes from a file, and stays
	})
	if err != nil {
		log.Fatal(err)
	}
	running := make(chan struct{})
	go func() { ring.Run(ctx); close(running) }()

	now := time.Now()
	raw, err := ring.Signer(jwt.KindAccess).Sign(now, &jwt.Access{Registered: jwt.Registered{
		Issuer: "https://id.example.com", Subject: "42", Audience: jwt.Audience{"https://api.example.com"},
		ID: jwt.NewID(), IssuedAt: jwt.TimeOf(now), Expires: jwt.TimeOf(now.Add(15 * time.Minute)),
	}})
	fmt.Println(len(raw) > 100, err)

	keys, err := ring.List(ctx, now)
	for _, k := range keys {
		fmt.Println(k.State, k.Algorithm, err)
	}
	stop()
	<-running
	// Output:
	// true <nil>
	// active ES256 <nil>
	// next ES256 <nil>
}
