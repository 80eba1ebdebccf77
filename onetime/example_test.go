package onetime_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/onetime"
	"github.com/jotkeeper/jotkeeper/store"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

var (
	exampleKey, _  = jwt.GenerateKey(jwt.ES256)
	exampleKeys    = jwt.NewSnapshot(exampleKey.Public())
	exampleSigning = func(time.Time) (*jwt.PrivateKey, error) { return exampleKey, nil }
)

// A forgotten password. The token names the version of the password that it may
// replace; it is used in the same transaction as the change.
func Example() {
	ctx, now, db := context.Background(), time.Now(), memory.New()
	defer db.Close()
	resets, err := onetime.New[onetime.Reset](onetime.Config{
		Issuer: "https://id.example.com", Keys: exampleKeys, Store: db.Set().OneTimes,
		Signer: jwt.NewSigner(exampleSigning, onetime.KindReset),
	})
	if err != nil {
		log.Fatal(err)
	}
	version := int64(7) // of Ada's password, as it stands in your database
	link, err := resets.Issue(ctx, now, onetime.Order{Subject: "42", Version: version})
	if err != nil {
		log.Fatal(err)
	}

	change := func() error {
		token, err := resets.Open(ctx, now, link)
		if err != nil {
			return err
		}
		return db.Together(ctx, func(tx store.Set) error {
			if err := resets.On(tx.OneTimes).Take(ctx, now, token, version); err != nil {
				return err
			}
			version++ // and the new password
			return nil
		})
	}
	fmt.Println(change())
	fmt.Println(change())
	// Output:
	// <nil>
	// onetime: what the token may change has changed
}

// A survey in a mail: the link tells who answers, and opens nothing but the
// survey. The page shows the form as long as the link is unused; sending the
// form uses it.
func Example_callToAction() {
	ctx, now, db := context.Background(), time.Now(), memory.New()
	defer db.Close()
	logins, err := onetime.New[onetime.Login](onetime.Config{
		Issuer: "https://id.example.com", Audience: "https://app.example.com", Lifetime: 72 * time.Hour,
		Keys: exampleKeys, Store: db.Set().OneTimes, Signer: jwt.NewSigner(exampleSigning, onetime.KindLogin),
	})
	if err != nil {
		log.Fatal(err)
	}
	link, err := logins.Issue(ctx, now, onetime.Order{Subject: "42", Scope: "survey:2030"})
	if err != nil {
		log.Fatal(err)
	}

	token, err := logins.Open(ctx, now, link)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("GET: show the form:", logins.Unused(ctx, now, token, 0) == nil)
	if err := logins.Take(ctx, now, token, 0); err != nil {
		log.Fatal(err)
	}
	c := token.Claims()
	fmt.Printf("POST: %s answers, for %q and nothing else\n", c.Subject, c.Scope)
	fmt.Println("GET: show the form:", logins.Unused(ctx, now, token, 0) == nil)
	// Output:
	// GET: show the form: true
	// POST: 42 answers, for "survey:2030" and nothing else
	// GET: show the form: false
}

// An application's own purpose is a type of its own, with a kind of its own.
func ExamplePurpose() {
	ctx, now, db := context.Background(), time.Now(), memory.New()
	defer db.Close()
	invites, err := onetime.New[Invite](onetime.Config{
		Issuer: "https://app.example.com", Keys: exampleKeys, Store: db.Set().OneTimes, Limit: 1,
		Signer: jwt.NewSigner(exampleSigning, (*Invite)(nil).Kind()),
	})
	if err != nil {
		log.Fatal(err)
	}
	link, err := invites.Issue(ctx, now, onetime.Order{Subject: "team-9"})
	if err != nil {
		log.Fatal(err)
	}
	token, err := invites.Open(ctx, now, link)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(token.Claims().Subject)
	// Output: team-9
}

// An Invite lets somebody join a team.
type Invite struct{ onetime.Claims }

// Kind keeps it apart from every other token.
func (*Invite) Kind() jwt.Kind { return "invite+jwt" }
