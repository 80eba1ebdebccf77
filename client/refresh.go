package client

import (
	"context"
	"errors"
	"net/url"
	"time"
)

// flight is one refresh that any number of callers wait for.
type flight struct {
	done   chan struct{}
	tokens Tokens
	err    error
}

// flightTime bounds a refresh, its repetition included.
const flightTime = 30 * time.Second

// refresh renews the tokens, once for everybody who asks while it is under
// way. used is the access token that was not good enough: when somebody else
// has renewed it already, the new one is the answer.
func (c *Client) refresh(ctx context.Context, used string) (Tokens, error) {
	c.mu.Lock()
	if c.tokens != nil && c.tokens.Access != used && c.tokens.Access != "" {
		defer c.mu.Unlock()
		return *c.tokens, nil
	}
	f := c.begin(ctx)
	c.mu.Unlock()
	select {
	case <-f.done:
		return f.tokens, f.err
	case <-ctx.Done():
		return Tokens{}, ctx.Err()
	}
}

// begin returns the refresh under way, and starts one if there is none. c.mu is
// held. A refresh outlives the request that asked for it: a caller who goes away
// must not lose an answer that others wait for.
func (c *Client) begin(ctx context.Context) *flight {
	if c.current == nil {
		c.current = &flight{done: make(chan struct{})}
		go c.fly(context.WithoutCancel(ctx), c.current)
	}
	return c.current
}

// markPause is between two refreshes that a mark caused. A token that is marked
// again as soon as it is renewed must not make each answer cost a refresh.
const markPause = time.Minute

// renewSoon begins a refresh because a service asked for one, and waits for
// nothing: the answer at hand stands, whatever becomes of it. used is the token
// that was marked.
func (c *Client) renewSoon(ctx context.Context, used string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.tokens == nil || c.tokens.Access != used || c.current != nil || now.Before(c.marked.Add(markPause)) {
		return
	}
	c.marked = now
	c.begin(ctx)
}

// vainPause is between two refreshes that 401s caused, if the first was in vain. A
// service that refuses all tokens must not make each request cost a refresh.
const vainPause = 5 * time.Second

func (c *Client) noteVain(access string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.vain, c.since = access, time.Now()
}

func (c *Client) isVain(access string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.vain == access && time.Since(c.since) < vainPause
}

func (c *Client) fly(ctx context.Context, f *flight) {
	ctx, cancel := context.WithTimeout(ctx, flightTime)
	defer cancel()
	f.tokens, f.err = c.renew(ctx)
	c.mu.Lock()
	if c.current == f {
		c.current = nil
	}
	c.mu.Unlock()
	close(f.done)
}

// renew refreshes with the tokens at hand. Before it takes no for an answer it
// looks into the store, where a newer refresh token may have come to lie.
func (c *Client) renew(ctx context.Context) (Tokens, error) {
	t, err := c.load(ctx)
	if err != nil {
		return Tokens{}, err
	}
	fresh, err := c.exchange(ctx, t.Refresh)
	if !c.holds(t) {
		return Tokens{}, errReplaced
	}
	if errors.Is(err, ErrEnded) || errors.Is(err, ErrRefusedCredential) {
		stored, loadErr := c.store.Load(ctx)
		if loadErr == nil && stored.Refresh != t.Refresh {
			fresh, err = c.exchange(ctx, stored.Refresh)
		}
	}
	if errors.Is(err, ErrEnded) {
		return Tokens{}, errors.Join(err, c.replace(ctx, t, Tokens{}))
	}
	if err != nil {
		return Tokens{}, err
	}
	if err := c.replace(ctx, t, fresh); err != nil {
		return Tokens{}, err
	}
	return fresh, nil
}

// exchange asks for new tokens, and once more when the answer was lost: the
// server answers the same refresh token again.
func (c *Client) exchange(ctx context.Context, refresh string) (Tokens, error) {
	if refresh == "" {
		return Tokens{}, ErrEnded
	}
	form := url.Values{"refresh_token": {refresh}}
	got, err := c.post(ctx, "/session/refresh", form)
	if errors.Is(err, ErrUnavailable) && ctx.Err() == nil {
		got, err = c.post(ctx, "/session/refresh", form)
	}
	if err != nil {
		return Tokens{}, err
	}
	return fresh(time.Now(), got, refresh), nil
}
