// Package courier makes the HTTP clients that ask other servers.
//
// [Transport] leaves a connection that died without a word, [Staying] follows no
// redirect. It knows nothing of what is asked, nor for how long.
package courier

import (
	"net/http"
	"time"
)

// Transport returns a transport like Go's default one, but for HTTP/2: a
// connection on which nothing comes for two seconds is asked for a sign of life,
// and given up three later. Else every question would go down a dead connection
// for as long as the kernel believes in it, a quarter of an hour.
func Transport() *http.Transport {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok { // a program may replace it
		t = &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
	}
	t = t.Clone()
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: 2 * time.Second, PingTimeout: 3 * time.Second}
	return t
}

// Staying returns a copy of c that follows no redirect: what it sends, a token
// or a credential, is meant for the server that was named. The answer is then the
// redirect itself.
func Staying(c *http.Client) *http.Client {
	stays := *c
	stays.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &stays
}
