package jotkeeper

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/jotkeeper/jotkeeper/binding"
	"github.com/jotkeeper/jotkeeper/internal/problem"
	"github.com/jotkeeper/jotkeeper/jwt"
)

// checkPath is where an issuer tells a token its own verdict.
const checkPath = "/revocation/v1/check"

// revalidateTimeout bounds the question to the issuer.
const revalidateTimeout = 3 * time.Second

// ownTransport is Go's default one, but for HTTP/2: a connection on which nothing
// comes is asked for a sign of life, and given up without one. Else every question
// would go down a dead connection for as long as the kernel believes in it.
func ownTransport() *http.Transport {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok { // a program may replace it
		t = &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
	}
	t = t.Clone()
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: 2 * time.Second, PingTimeout: 3 * time.Second}
	return t
}

// stayingClient is c, or a client of our own with a transport of our own, that
// follows no redirect: the question carries a token, and only the issuer may see it.
func stayingClient(c *http.Client) (*http.Client, *http.Transport) {
	var client http.Client
	var own *http.Transport
	if c != nil {
		client = *c
	} else {
		own = ownTransport()
		client = http.Client{Timeout: 5 * time.Second, Transport: own}
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client, own
}

// askIssuer asks the issuer whether a verified token is still good, and whether
// it should be renewed. Whatever is not a clear answer is "cannot know now". A
// locked token goes there with its lock, which the issuer made.
func (a *Auth) askIssuer(r *http.Request, token string, c *Claims) (renew bool, err error) {
	ctx, cancel := context.WithTimeout(r.Context(), revalidateTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(a.config.Issuer, "/")+checkPath, nil)
	if err != nil {
		return false, cannotKnow(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if c.Confirmation != nil {
		if lock, err := r.Cookie(binding.CookieName(c.SessionID)); err == nil {
			req.AddCookie(&http.Cookie{Name: lock.Name, Value: lock.Value})
		}
	}
	res, err := a.client.Do(req)
	if err != nil {
		return false, cannotKnow(err)
	}
	defer res.Body.Close()
	var answer struct {
		Active bool       `json:"active"`
		Code   jwt.Reason `json:"code"`
	}
	err = json.NewDecoder(io.LimitReader(res.Body, 16<<10)).Decode(&answer)
	switch {
	case res.StatusCode == http.StatusOK && err == nil && answer.Active:
		return res.Header.Get(renewHeader) == "1", nil
	case res.StatusCode == http.StatusUnauthorized && err == nil && problem.Status(problem.Code(answer.Code)) == http.StatusUnauthorized:
		return false, &jwt.Error{Reason: answer.Code, Detail: "the issuer says so"}
	}
	return false, &jwt.Error{Reason: jwt.Unavailable, Detail: "the issuer's answer cannot be understood: " + res.Status}
}

func cannotKnow(err error) error {
	return &jwt.Error{Reason: jwt.Unavailable, Detail: "the issuer cannot be asked", Err: err}
}
