package client

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Transport returns a RoundTripper that sends the access token with every
// request to one of Config.Services; requests to anywhere else go out as they
// are. base does the sending; nil is http.DefaultTransport.
func (c *Client) Transport(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	return &transport{c, base}
}

type transport struct {
	client *Client
	base   http.RoundTripper
}

// RoundTrip sends the request with a token, and after a 401 once more with a
// new one, if its body can be sent twice.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if !t.client.services[req.URL.Scheme+"://"+req.URL.Host] {
		return t.base.RoundTrip(req)
	}
	tokens, err := t.client.ready(req)
	if err != nil {
		closeBody(req)
		return nil, err
	}
	res, err := t.send(req, req.Body, tokens.Access)
	if err != nil || res.StatusCode != http.StatusUnauthorized {
		return res, err
	}
	return t.again(req, res, tokens.Access)
}

// renewHeader marks an answer to a token that holds, and should be renewed soon.
const renewHeader = "Jotkeeper-Renew"

// send sends the request with a token, and looks for the mark in the answer.
func (t *transport) send(req *http.Request, body io.ReadCloser, token string) (*http.Response, error) {
	res, err := t.base.RoundTrip(withToken(req, body, token))
	if err == nil && res.Header.Get(renewHeader) == "1" {
		t.client.renewSoon(req.Context(), token)
	}
	return res, err
}

// again repeats a request that was refused. When there is no new token the
// refusal stands: it is the service's answer.
func (t *transport) again(req *http.Request, refused *http.Response, used string) (*http.Response, error) {
	if req.Body != nil && req.GetBody == nil || t.client.isVain(used) {
		return refused, nil
	}
	tokens, err := t.client.refresh(req.Context(), used)
	if err != nil {
		return refused, nil
	}
	body := io.ReadCloser(nil)
	if req.GetBody != nil {
		if body, err = req.GetBody(); err != nil {
			return refused, nil
		}
	}
	io.Copy(io.Discard, io.LimitReader(refused.Body, maxAnswer)) // so that the connection is used again
	refused.Body.Close()
	res, err := t.send(req, body, tokens.Access)
	if err == nil && res.StatusCode == http.StatusUnauthorized {
		t.client.noteVain(tokens.Access)
	}
	return res, err
}

// withToken is the request with the token; a RoundTripper must not change the
// one it was given.
func withToken(req *http.Request, body io.ReadCloser, token string) *http.Request {
	out := req.Clone(req.Context())
	out.Body = body
	out.Header.Set("Authorization", "Bearer "+token)
	return out
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		req.Body.Close()
	}
}

// ready returns tokens that are good now. A renewal that fails is no reason
// not to use what still holds.
func (c *Client) ready(req *http.Request) (Tokens, error) {
	t, err := c.load(req.Context())
	if err != nil {
		return Tokens{}, err
	}
	if t.Access == "" && t.Refresh == "" {
		return Tokens{}, fmt.Errorf("%w: log in first", ErrEnded)
	}
	now := time.Now()
	if now.Before(t.Renew) {
		return t, nil
	}
	renewed, err := c.refresh(req.Context(), t.Access)
	if err != nil && now.Before(t.Expires) && !errors.Is(err, ErrEnded) {
		return t, nil
	}
	return renewed, err
}
