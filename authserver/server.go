package authserver

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/internal/acts"
	"github.com/jotkeeper/jotkeeper/internal/metrics"
	"github.com/jotkeeper/jotkeeper/keyring"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/session"
)

// ErrConfig reports a Config that New refuses; the text says what to change.
var ErrConfig = errors.New("authserver: unusable configuration")

// A Clock tells the time that sessions go by, or that it cannot be told now.
type Clock interface {
	Now() (time.Time, error) // an error is answered 503
}

// A Config holds the rooms that a server serves and how it presents them.
type Config struct {
	Issuer string // the URL under which it is reached; its path is the prefix of every route

	// All of them but Feed are required.
	Acts     *acts.Acts
	Accounts *account.Accounts
	Sessions *session.Sessions
	Keys     *keyring.Ring
	Index    *revocation.Index
	Clock    Clock
	Feed     *feed.Handler // of the same issuer; nil: revocations are followed by nobody

	AppDomains  []string // trusted origins, [scheme://]host[:port]; none: this machine
	BodyOrigins []string // those of them whose pages may ask for a refresh token in the body
	Audience    string   // of a caller without an origin; empty: the first app domain, else localhost

	AdminUsername string            // of the private routes
	AdminPassword [sha256.Size]byte // SHA-256 of the password; all zero closes the private routes

	Typ            []string       // header types of our access tokens; none: at+jwt
	JWKSMaxAge     time.Duration  // how long a verifier may keep the key set at most; 0: 300 s
	TrustedProxies []netip.Prefix // whose X-Forwarded-For and -Proto are believed
	Patience       time.Duration  // how long a request waits for the rooms behind it; 0: 5 s

	Log     *slog.Logger // nil: nothing is written
	Version string       // what /version answers
}

type server struct {
	cfg      Config
	mux      *http.ServeMux
	sites    sites
	bodies   []site // origins that may carry refresh tokens in bodies
	proxies  proxies
	prefix   string // of every route: the path of the issuer
	secure   bool   // the issuer is https
	metrics  *metrics.Metrics
	verifier *verifiers
	page     []byte
}

// New returns the server's handler. It reads nothing and starts nothing.
func New(cfg Config) (http.Handler, error) {
	s := &server{cfg: complete(cfg), mux: http.NewServeMux(), proxies: cfg.TrustedProxies}
	if err := s.configure(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	table := s.table()
	s.metrics = metrics.New(patterns(table)...)
	s.gauges()
	s.register(table)
	return s, nil
}

func complete(cfg Config) Config {
	if cfg.JWKSMaxAge == 0 {
		cfg.JWKSMaxAge = 300 * time.Second
	}
	if cfg.Patience == 0 {
		cfg.Patience = 5 * time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return cfg
}

func (s *server) configure() (err error) {
	if err := s.cfg.check(); err != nil {
		return err
	}
	if err := s.stand(); err != nil {
		return err
	}
	if err := s.trust(); err != nil {
		return err
	}
	if s.verifier, err = newVerifiers(s.cfg); err != nil {
		return err
	}
	s.page, err = renderPage(s.cfg)
	return err
}

func (c *Config) check() error {
	switch {
	case c.Acts == nil || c.Accounts == nil || c.Sessions == nil || c.Keys == nil || c.Index == nil || c.Clock == nil:
		return errors.New("the rooms Acts, Accounts, Sessions, Keys, Index and Clock are all needed")
	case c.AdminPassword != [sha256.Size]byte{} && c.AdminUsername == "":
		return errors.New("an AdminPassword needs an AdminUsername")
	}
	return nil
}

// stand takes from the issuer where the routes stand.
func (s *server) stand() error {
	u, err := url.Parse(s.cfg.Issuer)
	if err != nil || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return fmt.Errorf("issuer %q is not a plain URL", s.cfg.Issuer)
	}
	s.prefix, s.secure = strings.TrimSuffix(u.Path, "/"), u.Scheme == "https"
	if strings.ContainsAny(s.prefix, "{} \t%") || s.prefix != "" && path.Clean(s.prefix) != s.prefix {
		return fmt.Errorf("issuer %q has a path that routes cannot stand below; use letters, digits and slashes", s.cfg.Issuer)
	}
	return nil
}

// trust reads whose pages may ask, and for whom tokens are.
func (s *server) trust() (err error) {
	if s.sites, err = parseSites(s.cfg.Issuer, s.cfg.AppDomains); err != nil {
		return err
	}
	if !s.secure && !s.sites.own.loopback() {
		return fmt.Errorf("issuer %q must be https: cookies and tokens would travel in the clear", s.cfg.Issuer)
	}
	for _, entry := range s.cfg.BodyOrigins {
		site, err := parseSite(entry)
		if err != nil {
			return err
		}
		s.bodies = append(s.bodies, site)
	}
	if s.cfg.Audience == "" {
		s.cfg.Audience = s.sites.first()
	}
	return nil
}

// url returns the address of one of our routes, as the issuer names it; never
// as the Host header of a request does.
func (s *server) url(path string) string { return strings.TrimSuffix(s.cfg.Issuer, "/") + path }
