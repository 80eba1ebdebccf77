// Command resource is a service that only verifies.
//
// It takes the tokens of an issuer, in a header or in a cookie, and never sees
// a password or a private key. It refuses to decide by itself who is logged in:
// it asks the issuer about each request, or follows its revocations.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/jotkeeper/jotkeeper"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8090", "address to listen on")
	issuer := flag.String("issuer", "http://127.0.0.1:8080", "whose tokens are taken")
	audience := flag.String("audience", "localhost", "this service's name in the tokens")
	feed := flag.String("feed-token-file", "", "file with a credential of the issuer's revocation feed; none: the issuer is asked on each request")
	flag.Parse()
	if err := serve(*addr, *issuer, *audience, *feed); err != nil {
		fmt.Fprintln(os.Stderr, "resource:", err)
		os.Exit(1)
	}
}

func serve(addr, issuer, audience, feed string) error {
	config := jotkeeper.Config{Issuer: issuer, Audience: audience}
	// Orders are worth a question to the issuer: a logout counts at once.
	options := []jotkeeper.Option{jotkeeper.Revalidate()}
	if feed != "" {
		token, err := os.ReadFile(feed)
		if err != nil {
			return err
		}
		// Whoever follows hears of a logout without asking.
		config.Feed.Token, options = strings.TrimSpace(string(token)), nil
	}
	auth, err := jotkeeper.New(config)
	if err != nil {
		return err
	}
	defer auth.Close()

	mux := http.NewServeMux()
	mux.Handle("GET /orders", auth.Handler(http.HandlerFunc(orders), options...))

	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "resource: http://%s/orders takes tokens of %s for %q\n", l.Addr(), issuer, audience)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func orders(w http.ResponseWriter, r *http.Request) {
	claims, _ := jotkeeper.FromContext(r.Context())
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(struct {
		Account string   `json:"account"`
		Orders  []string `json:"orders"`
	}{claims.Subject, []string{"tea", "biscuits"}})
}
