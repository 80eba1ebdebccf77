package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/jotkeeper/jotkeeper/api"
	"github.com/jotkeeper/jotkeeper/internal/courier"
)

// Config says which auth server a Client talks to and where its tokens may go.
type Config struct {
	Issuer   string       // required: the auth server's URL
	Audience string       // asked of a login; empty: the server's default
	Services []string     // origins ("https://api.example.com") that may be sent the access token
	Tokens   TokenStore   // nil: Memory()
	HTTP     *http.Client // to reach the auth server; nil: one with a timeout of 10 s
}

// A Client keeps one session of one account. It is safe for concurrent use.
type Client struct {
	issuer   string
	audience string
	services map[string]bool
	store    TokenStore
	http     *http.Client

	saving  sync.Mutex // held while tokens are stored: the last ones stored are those in use
	mu      sync.Mutex
	tokens  *Tokens // nil: not loaded yet
	current *flight // the refresh under way, if there is one

	marked time.Time // when a mark last caused a refresh
	vain   string    // the access token that was refused right after it had come
	since  time.Time // when that was
}

// New makes a Client. It fails with ErrConfig, and touches no network.
func New(c Config) (*Client, error) {
	if _, err := origin(c.Issuer); err != nil {
		return nil, fmt.Errorf("%w: Issuer: %w", ErrConfig, err)
	}
	cl := &Client{issuer: strings.TrimSuffix(c.Issuer, "/"), audience: c.Audience, services: map[string]bool{}, store: c.Tokens}
	for _, s := range c.Services {
		o, err := origin(s)
		if err != nil {
			return nil, fmt.Errorf("%w: Services: %w", ErrConfig, err)
		}
		cl.services[o] = true
	}
	if cl.store == nil {
		cl.store = Memory()
	}
	if c.HTTP == nil {
		c.HTTP = &http.Client{Timeout: 10 * time.Second, Transport: own}
	}
	cl.http = courier.Staying(c.HTTP)
	return cl, nil
}

// origin is a URL's scheme, host and port.
func origin(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return "", fmt.Errorf("%q is not a URL such as https://api.example.com", s)
	}
	return u.Scheme + "://" + u.Host, nil
}

// own is the transport of every Client that is given none: connections are
// shared, as with Go's default one.
var own = courier.Transport()

// SignUp makes an account, and a session of it. Input that is not accepted is
// a *Refused.
func (c *Client) SignUp(ctx context.Context, username, password string) error {
	return c.enter(ctx, "/accounts", username, password)
}

// LogIn makes a session. Wrong credentials are a *Refused.
func (c *Client) LogIn(ctx context.Context, username, password string) error {
	return c.enter(ctx, "/session", username, password)
}

func (c *Client) enter(ctx context.Context, path, username, password string) error {
	form := url.Values{"username": {username}, "password": {password}, "transport": {"body"}}
	if c.audience != "" {
		form.Set("audience", c.audience)
	}
	got, err := c.post(ctx, path, form)
	if err != nil {
		return err
	}
	return c.keep(ctx, fresh(time.Now(), got, ""))
}

// LogOut ends the session at the server, then forgets it here. When the server
// cannot be reached nothing is forgotten, and the error says so.
func (c *Client) LogOut(ctx context.Context) error {
	t, err := c.load(ctx)
	if err != nil || t.Refresh == "" {
		return err
	}
	err = c.end(ctx, t.Refresh)
	if err != nil && !errors.Is(err, ErrEnded) {
		return err
	}
	return c.keep(ctx, Tokens{})
}

// fresh turns an answer into tokens. Renewal is due at half the life, give or
// take a tenth, so that a fleet started together does not refresh together.
func fresh(now time.Time, got api.Tokens, refresh string) Tokens {
	if got.RefreshToken != "" {
		refresh = got.RefreshToken
	}
	life := time.Duration(got.ExpiresIn) * time.Second
	jitter := (rand.Float64() - 0.5) / 5
	return Tokens{
		Access: got.IDToken, Refresh: refresh,
		Renew: now.Add(time.Duration((0.5 + jitter) * float64(life))), Expires: now.Add(life),
	}
}

// load returns the tokens, from the store the first time.
func (c *Client) load(ctx context.Context) (Tokens, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tokens != nil {
		return *c.tokens, nil
	}
	t, err := c.store.Load(ctx)
	if err != nil {
		return Tokens{}, err
	}
	c.tokens = &t
	return t, nil
}

// keep stores tokens before anybody uses them. A refresh of the session before,
// if there is one under way, comes too late.
func (c *Client) keep(ctx context.Context, t Tokens) error {
	c.saving.Lock()
	defer c.saving.Unlock()
	if err := c.store.Save(ctx, t); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tokens, c.current = &t, nil
	return nil
}

// replace keeps what a refresh brought, unless from are not the tokens at hand
// any more: somebody has logged in or out meanwhile.
func (c *Client) replace(ctx context.Context, from, t Tokens) error {
	c.saving.Lock()
	defer c.saving.Unlock()
	if !c.holds(from) {
		return errReplaced
	}
	if err := c.store.Save(ctx, t); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tokens = &t
	return nil
}

func (c *Client) holds(t Tokens) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tokens != nil && *c.tokens == t
}

var errReplaced = fmt.Errorf("%w: another login, or a logout, came in between", ErrEnded)
