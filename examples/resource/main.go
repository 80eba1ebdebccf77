// Command resource is a service that only verifies.
//
// It takes the tokens of an issuer, in a header or in a cookie, and never sees
// a password or a private key. It refuses to decide by itself who is logged in:
// it asks the issuer about each request, or follows its revocations.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/jotkeeper/jotkeeper"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8090", "address to listen on")
	issuer := flag.String("issuer", "http://127.0.0.1:8080", "whose tokens are taken")
	audience := flag.String("audience", "localhost", "this service's name in the tokens")
	feed := flag.String("feed-token-file", "", "file with a credential of the issuer's revocation feed; none: the issuer is asked on each request")
	dir := flag.String("feed-dir", "", "directory that keeps what was revoked between two runs; none: it is read from the issuer at each start")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "resource: what follows the flags would be passed over; leave it out")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr, *issuer, *audience, *feed, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "resource:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, addr, issuer, audience, feed, dir string) error {
	auth, options, err := guard(issuer, audience, feed, dir)
	if err != nil {
		return err
	}
	defer auth.Close()
	mux := http.NewServeMux()
	mux.Handle("GET /orders", auth.Handler(http.HandlerFunc(orders), options...))
	l, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is in use; try another: -addr 127.0.0.1:8095", addr)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "resource: http://%s/orders takes tokens of %s for %q\n", l.Addr(), issuer, audience)
	return serve(ctx, l, mux)
}

// guard follows the issuer's revocations if it has a credential for them: then it
// hears of a logout without asking. Otherwise orders are worth a question to the
// issuer: a logout counts at once.
func guard(issuer, audience, feed, dir string) (*jotkeeper.Auth, []jotkeeper.Option, error) {
	config := jotkeeper.Config{Issuer: issuer, Audience: audience}
	options := []jotkeeper.Option{jotkeeper.Revalidate()}
	if feed != "" {
		token, err := os.ReadFile(feed)
		if err != nil {
			return nil, nil, err
		}
		config.Feed.Token, options = strings.TrimSpace(string(token)), nil
		config.Feed.Dir = dir
	}
	auth, err := jotkeeper.New(config)
	return auth, options, err
}

func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done(): // what is under way is answered, then Close saves the rules
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		return server.Shutdown(ctx)
	}
}

func orders(w http.ResponseWriter, r *http.Request) {
	claims, _ := jotkeeper.FromContext(r.Context())
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(struct {
		Account string   `json:"account"`
		Orders  []string `json:"orders"`
	}{claims.Subject, []string{"tea", "biscuits"}})
}
