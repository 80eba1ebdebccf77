// Command keeper keeps its own sessions in one process.
//
// It is a small shop: people sign up and log in with a form, open pages, call a
// route of the API, log out, and log out everywhere. There is no auth server.
// The session is one token in a cookie, which renews itself while it is used. A
// SQLite file remembers accounts, signing keys, renewals and revocations; the key
// that encrypts the signing keys in it stands beside it, in a file of its own, so
// that nobody is logged out when the program starts again.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8093", "address to listen on")
	dir := flag.String("dir", "shop-data", "folder of the database and its master key; made when it is not there")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "keeper: what follows the flags would be passed over; leave it out")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "keeper:", err)
		os.Exit(1)
	}
}

// run takes the port first: who cannot have it makes no files.
func run(ctx context.Context, addr, dir string) (err error) {
	l, err := listen(addr)
	if err != nil {
		return err
	}
	defer l.Close()
	h, err := open(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	fmt.Fprintf(os.Stderr, "keeper: open http://%s/\n", l.Addr())
	return serve(ctx, l, h.routes())
}

func listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is in use; try another: -addr 127.0.0.1:8094", addr)
	}
	return l, err
}

func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done(): // what is under way is answered
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		return server.Shutdown(ctx)
	}
}
