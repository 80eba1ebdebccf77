package authserver_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/authserver"
	"github.com/jotkeeper/jotkeeper/internal/acts"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keyring"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/secret"
	"github.com/jotkeeper/jotkeeper/session"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

// wallClock trusts this machine; a server uses session.NewClock.
type wallClock struct{}

func (wallClock) Now() (time.Time, error) { return time.Now(), nil }

// The rooms of an auth server, wired together.
func ExampleNew() {
	ctx, issuer := context.Background(), "http://127.0.0.1:8080"
	backend := memory.New()
	set, master, index := backend.Set(), secret.NewRing(secret.Generate()), revocation.NewIndex(issuer)
	keys, err := keyring.Open(ctx, time.Now(), keyring.Config{Store: set.Keys, Master: master})
	check(err)
	accounts, err := account.New(account.Config{Store: set.Accounts})
	check(err)
	defer accounts.Close()
	allows, err := authserver.Audiences(issuer, nil)
	check(err)
	sessions, err := session.New(session.Config{
		Issuer: issuer, Store: set.Sessions, Master: master, Signer: keys.Signer(jwt.KindAccess), Checker: index,
		Rights: acts.Rights(accounts), Allows: allows,
	})
	check(err)
	all, err := acts.New(acts.Config{Backend: backend, Accounts: accounts, Sessions: sessions, Keys: keys, Index: index, Life: 15 * time.Minute})
	check(err)

	handler, err := authserver.New(authserver.Config{
		Issuer: issuer, Acts: all, Accounts: accounts, Sessions: sessions, Keys: keys, Index: index, Clock: wallClock{},
		AdminUsername: "admin", AdminPassword: sha256.Sum256([]byte("kept in a file of mode 0600")),
	})
	check(err)

	form := strings.NewReader("username=ada&password=moss-kettle-orbit-42&transport=body")
	r := httptest.NewRequest(http.MethodPost, "/accounts", form)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	fmt.Println(w.Code, strings.HasPrefix(w.Body.String(), `{"result":{"id_token":"eyJ`))
	// Output: 201 true
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
