package opaque

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// A Client is the road of a program that calls the API. It exchanges an old token
// on its first use and takes each renewed one from the answers.
type Client struct {
	Base     http.RoundTripper
	Exchange string             // URL of the exchange
	Token    string             // as it was saved last: old or new
	Save     func(string) error // keeps a token for the next start, before it is used

	mu sync.Mutex
}

// RoundTrip sends a copy of r with the token.
func (c *Client) RoundTrip(r *http.Request) (*http.Response, error) {
	token, err := c.current(r)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := c.Base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if renewed, ok := strings.CutPrefix(res.Header.Get("Authorization"), "Bearer "); ok {
		if err := c.adopt(token, renewed); err != nil {
			res.Body.Close()
			return nil, err
		}
	}
	return res, nil
}

// current returns the token to send. While the exchange does not answer, the old
// one is still good.
func (c *Client) current(r *http.Request) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !old(c.Token) {
		return c.Token, nil
	}
	x, err := http.NewRequestWithContext(r.Context(), http.MethodPost, c.Exchange, nil)
	if err != nil {
		return "", err
	}
	x.Header.Set("Authorization", "Bearer "+c.Token)
	res, err := c.Base.RoundTrip(x)
	if err != nil {
		return c.Token, nil
	}
	defer res.Body.Close()
	var answer struct{ Token string }
	if res.StatusCode != http.StatusOK || json.NewDecoder(res.Body).Decode(&answer) != nil || old(answer.Token) {
		return c.Token, nil
	}
	return answer.Token, c.keep(answer.Token)
}

// adopt takes a renewed token, unless a later answer was quicker.
func (c *Client) adopt(sent, renewed string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Token != sent {
		return nil
	}
	return c.keep(renewed)
}

func (c *Client) keep(token string) error {
	if err := c.Save(token); err != nil {
		return fmt.Errorf("opaque: the token cannot be kept: %w", err)
	}
	c.Token = token
	return nil
}
