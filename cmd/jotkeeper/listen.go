package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

// listen opens the port, or says why not and what to do.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, inUse(ctx, addr)
	case errors.Is(err, syscall.EACCES):
		return nil, fail(exitOutside, addr+" may not be opened: ports below 1024 are for root", "--addr "+nextPort(addr)+", or setcap cap_net_bind_service=+ep on the binary")
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fail(exitOutside, addr+" is not an address of this machine", "--addr 127.0.0.1:8080")
	}
	return nil, &fault{Code: exitOutside, Text: addr + " cannot be listened on: " + netCause(err), Try: []string{"--addr 127.0.0.1:8080"}, Err: err}
}

// inUse says who has the port.
func inUse(ctx context.Context, addr string) error {
	if answersAsJotkeeper(ctx, addr) {
		return taken(addr+" is in use, and a jotkeeper answers there", "jotkeeper serve --addr "+nextPort(addr)+" --data-dir ./other")
	}
	return taken(addr+" is in use by another program", "jotkeeper serve --addr "+nextPort(addr))
}

func taken(text, try string) error {
	return &fault{Code: exitOutside, Text: text, Try: []string{try}, Err: syscall.EADDRINUSE}
}

// nextPort is the address to try instead: the port after, or one above the
// privileged ones.
func nextPort(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	n, perr := strconv.Atoi(port)
	if err != nil || perr != nil || n >= 65535 || n < 1024 {
		n = 8079
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, strconv.Itoa(n+1))
}

// serverName is what every answer of ours names itself, without a version.
const serverName = "jotkeeper"

// answersAsJotkeeper asks who is there. It sends nothing but the question, so
// it matters little that a certificate is not looked at.
func answersAsJotkeeper(ctx context.Context, addr string) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	for _, scheme := range []string{"http", "https"} {
		if isJotkeeper(ctx, fmt.Sprintf("%s://%s/version", scheme, net.JoinHostPort(host, port))) {
			return true
		}
	}
	return false
}

func isJotkeeper(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	client := askingClient()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
	client.Transport = transport
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	return res.Header.Get("Server") == serverName
}
