package jotkeeper_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/jwt"
)

// An API that takes the tokens of an auth server. The keys are fetched from
// the issuer when the first token arrives.
func Example() {
	auth, err := jotkeeper.New(jotkeeper.Config{
		Issuer:   "https://id.example.com",
		Audience: "api.example.com",
	})
	if err != nil {
		log.Fatal(err)
	}
	defer auth.Close()

	orders := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := jotkeeper.FromContext(r.Context())
		fmt.Fprintln(w, "orders of account", claims.Subject)
	})
	mux := http.NewServeMux()
	mux.Handle("GET /orders", auth.Handler(orders))
	mux.Handle("POST /payout", auth.Handler(orders, jotkeeper.Scope("pay"), jotkeeper.Revalidate()))

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", "/orders", nil))
	fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"))
	// Output: 401 Bearer
}

// A program that holds the issuer's keys itself needs no network at all.
func ExampleConfig_keys() {
	key, err := jwt.GenerateKey(jwt.ES256)
	if err != nil {
		log.Fatal(err)
	}
	auth, err := jotkeeper.New(jotkeeper.Config{
		Issuer:   "https://id.example.com",
		Audience: "api.example.com",
		Keys:     jwt.NewSnapshot(key.Public()),
	})
	if err != nil {
		log.Fatal(err)
	}

	now := time.Now()
	signer := jwt.NewSigner(func(time.Time) (*jwt.PrivateKey, error) { return key, nil }, jwt.KindAccess)
	token, err := signer.Sign(now, &jwt.Access{Registered: jwt.Registered{
		Issuer: "https://id.example.com", Audience: jwt.Audience{"api.example.com"}, Subject: "42",
		ID: jwt.NewID(), IssuedAt: jwt.TimeOf(now), Expires: jwt.TimeOf(now.Add(time.Minute)),
	}})
	if err != nil {
		log.Fatal(err)
	}

	r := httptest.NewRequest("GET", "/orders", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	claims, err := auth.Authenticate(r)
	fmt.Println(claims.Subject, err)

	r.Header.Set("Authorization", "Bearer "+token+"A")
	_, err = auth.Authenticate(r)
	fmt.Println(jwt.ReasonOf(err))
	// Output:
	// 42 <nil>
	// signature
}

// A program that puts its users' access tokens into a cookie sets and clears
// it with equal attributes.
func ExampleCookie() {
	w := httptest.NewRecorder()
	jotkeeper.Cookie{}.Set(w, "eyJ…", time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC))
	jotkeeper.Cookie{}.Clear(w)
	for _, c := range w.Result().Cookies() {
		fmt.Println(c.Name, c.Secure, c.HttpOnly, c.Path, c.MaxAge)
	}
	// Output:
	// __Host-jotkeeper true true / 0
	// __Host-jotkeeper true true / -1
}

// A Carrier tells which tokens a request carries, for programs that verify them
// by other means.
func ExampleCarrier() {
	c := jotkeeper.Carrier{Origins: []string{"https://front.example.com"}}
	r := httptest.NewRequest("POST", "https://app.example.com/orders", nil)
	r.Header.Set("Cookie", "__Host-jotkeeper=TOKEN")

	_, _, err := c.Read(r)
	fmt.Println(jwt.ReasonOf(err))

	r.Header.Set("Origin", "https://front.example.com")
	header, cookie, err := c.Read(r)
	fmt.Printf("%q %q %v\n", header, cookie, err)
	// Output:
	// csrf
	// "" "TOKEN" <nil>
}
