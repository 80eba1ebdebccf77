package keeper

import (
	"bufio"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/jotkeeper/jotkeeper"
)

// An answer bears a token: it is kept from every cache, and read by the page that
// asked, whatever the application says, and in its errors too. Beyond that it does what the writer below can do,
// for streams, WebSockets and http.ResponseController.
type answer struct {
	http.ResponseWriter
	carrier *jotkeeper.Carrier
	begun   bool
}

// seal has the last word before the headers leave.
func (a *answer) seal() {
	if a.begun {
		return
	}
	a.carrier.Personal(a)
	h := a.Header()
	maps.DeleteFunc(h, func(name string, _ []string) bool { return targeted(name) })
	if h.Get("Authorization") != "" {
		expose(h)
	}
}

// targeted tells whether a field speaks to one kind of cache, which then does not
// read Cache-Control (RFC 9213 §2.2), or is the older Surrogate-Control.
func targeted(name string) bool {
	name = strings.ToLower(name)
	return strings.HasSuffix(name, "-cache-control") || name == "surrogate-control"
}

// expose lets a page of another origin, if it may read the answer at all, read
// the token.
func expose(h http.Header) {
	const name = "Access-Control-Expose-Headers"
	if !slices.ContainsFunc(h[name], func(list string) bool { return strings.Contains(list, "Authorization") }) {
		h.Add(name, "Authorization")
	}
}

func (a *answer) begin() {
	a.seal()
	a.begun = true
}

func (a *answer) WriteHeader(status int) {
	a.seal()
	a.begun = a.begun || status >= 200 || status == http.StatusSwitchingProtocols // a 1xx is followed by the answer
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	a.begin()
	return a.ResponseWriter.Write(b)
}

// ReadFrom leaves copying to the writer below, which may know a short way.
func (a *answer) ReadFrom(from io.Reader) (int64, error) {
	a.begin()
	return io.Copy(a.ResponseWriter, from)
}

// Flush is for programs that ask for an http.Flusher.
func (a *answer) Flush() { _ = a.FlushError() }

func (a *answer) FlushError() error {
	a.begin()
	return http.NewResponseController(a.ResponseWriter).Flush()
}

// Hijack hands the connection over to who speaks another protocol on it.
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(a.ResponseWriter).Hijack()
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
