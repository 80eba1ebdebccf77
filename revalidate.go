package jotkeeper

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/jotkeeper/jotkeeper/binding"
	"github.com/jotkeeper/jotkeeper/internal/courier"
	"github.com/jotkeeper/jotkeeper/internal/problem"
	"github.com/jotkeeper/jotkeeper/jwt"
)

// checkPath is where an issuer tells a token its own verdict.
const checkPath = "/revocation/v1/check"

// revalidateTimeout bounds the question to the issuer.
const revalidateTimeout = 3 * time.Second

// asking returns the client for questions to the issuer, c or one with a transport
// of our own. The question carries a token, so only the issuer may see it.
func asking(c *http.Client) (*http.Client, *http.Transport) {
	var own *http.Transport
	if c == nil {
		own = courier.Transport()
		c = &http.Client{Timeout: 5 * time.Second, Transport: own}
	}
	return courier.Staying(c), own
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
