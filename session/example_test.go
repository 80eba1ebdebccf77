package session_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/secret"
	"github.com/jotkeeper/jotkeeper/session"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

// open returns sessions that are kept in memory.
func open() (*session.Sessions, error) {
	key, err := jwt.GenerateKey("ES256")
	if err != nil {
		return nil, err
	}
	return session.New(session.Config{
		Issuer:  "https://id.example.com",
		Store:   memory.New().Set().Sessions,
		Master:  secret.NewRing(secret.Generate()),
		Signer:  jwt.NewSigner(func(time.Time) (*jwt.PrivateKey, error) { return key, nil }, jwt.KindAccess),
		Checker: revocation.NewIndex("https://id.example.com"),
	})
}

// A person logs in, comes back after an hour, and logs out.
func Example() {
	sessions, err := open()
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, now := context.Background(), time.Now()

	epoch, _ := sessions.Epoch(ctx, "42") // before the password is checked
	login, err := sessions.Start(ctx, now, session.Login{Account: "42", Audience: "shop", Methods: []string{"pwd"}}, epoch)
	fmt.Println(login.Outcome, login.ExpiresIn, err)

	later := now.Add(time.Hour)
	next, err := sessions.Refresh(ctx, later, login.Refresh, session.Request{})
	fmt.Println(next.Outcome, next.Refresh != login.Refresh, err)

	err = sessions.End(ctx, later, "42", login.Session.ID, "logout", "")
	fmt.Println("ended", err)

	_, err = sessions.Refresh(ctx, later, next.Refresh, session.Request{})
	fmt.Println(err)
	// Output:
	// login 15m0s <nil>
	// rotate true <nil>
	// ended <nil>
	// session: ended: revoked
}

// What a client is told depends on the error: only a terminal one ends its
// session, and ErrRetry keeps everything.
func ExampleError() {
	sessions, err := open()
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = sessions.Refresh(context.Background(), time.Now(), "jkr_copied_by_hand", session.Request{})
	var refusal *session.Error
	switch {
	case errors.Is(err, session.ErrRetry):
		fmt.Println("503: come again")
	case errors.As(err, &refusal) && refusal.Terminal():
		fmt.Println("401: log in again:", refusal.Reason)
	case errors.As(err, &refusal):
		fmt.Println("401:", refusal.Reason)
	}
	// Output:
	// 401: malformed
}

// The cookie for a refresh token has the session's own name.
func ExampleCookieName() {
	fmt.Println(session.CookieName("AQIDBAUGBwgJCgsMDQ4PEA", true))
	fmt.Println(session.CookieName("AQIDBAUGBwgJCgsMDQ4PEA", false))
	// Output:
	// __Host-jkr-AQIDBAUG
	// jkr-AQIDBAUG
}
