package authserver

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/jotkeeper/jotkeeper/api"
	"github.com/jotkeeper/jotkeeper/jwks"
)

// keySet publishes the public keys. It is read by every verifier there is, so
// it may be kept for a while and answers with 304 what has not changed.
func (s *server) keySet(c *call) error {
	s.metrics.KeySet()
	now, err := s.cfg.Clock.Now()
	if err != nil {
		return err
	}
	set, keep := s.published(now)
	document, err := set.MarshalJSON()
	if err != nil {
		return err
	}
	c.w.Header().Set("ETag", set.ETag())
	s.publish(c, keep, document)
	return nil
}

// published is the key set with how long it may be kept: less, when this node
// has lost touch with the store.
func (s *server) published(now time.Time) (*jwks.Set, time.Duration) {
	set, keep := s.cfg.Keys.Publish(now)
	return set, min(keep, s.cfg.JWKSMaxAge)
}

// publish answers with a document that may be kept. http.ServeContent knows
// the rules of If-None-Match (RFC 9110 §13.1.2) and of HEAD.
func (s *server) publish(c *call, keep time.Duration, document []byte) {
	h := c.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-cache")
	if keep >= time.Second {
		h.Set("Cache-Control", fmt.Sprintf("public, max-age=%d", keep/time.Second))
	}
	c.r.Header.Del("Range") // a part of a key set is no key set
	http.ServeContent(c.w, c.r, "", time.Time{}, bytes.NewReader(document))
}

// configuration is the discovery document, for Keratin AuthN's clients and for
// those of OpenID Connect Discovery §3. It names only what is there: there is
// no authorization endpoint yet.
func (s *server) configuration(c *call) error {
	now, err := s.cfg.Clock.Now()
	if err != nil {
		return err
	}
	set, keep := s.published(now)
	var algorithms []string
	for _, k := range set.Keys() {
		if alg := string(k.Algorithm()); !slices.Contains(algorithms, alg) {
			algorithms = append(algorithms, alg)
		}
	}
	if keep >= time.Second {
		c.w.Header().Set("Cache-Control", fmt.Sprintf("public, max-age=%d", keep/time.Second))
	}
	return c.answer(http.StatusOK, api.Configuration{
		Issuer: s.cfg.Issuer, JWKSURI: s.url("/.well-known/jwks.json"),
		Introspection: s.url("/oauth2/introspect"), IntrospectionAuth: []string{"client_secret_basic"},
		Revocation: s.url("/oauth2/revoke"), RevocationAuth: []string{"none"},
		ResponseTypes: []string{"id_token"}, SubjectTypes: []string{"public"}, Algorithms: algorithms,
		Claims: []string{"iss", "sub", "aud", "exp", "nbf", "iat", "auth_time", "jti", "sid", "amr", "scope"},
	})
}
