package jwks

import (
	"context"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
)

// Discover asks an issuer where its key set is, by its document at
// /.well-known/openid-configuration (OpenID Connect Discovery 1.0 §4). A nil
// client means Go's default transport.
//
// The document must name the issuer exactly as it is given here (§4.3): else one
// issuer could speak for another. The key set must be reached by https, or be
// on the issuer's own host. It returns ErrFetch or ErrSet, with the reason.
func Discover(ctx context.Context, client *http.Client, issuer string) (url string, err error) {
	own, err := safeURL(issuer)
	if err != nil {
		return "", badFetch("%v", err)
	}
	if own.RawQuery != "" {
		return "", badFetch("issuer %q has a query; remove it", issuer)
	}
	if client == nil {
		client = &http.Client{}
	}
	a, err := get(ctx, client, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration", "")
	if err != nil {
		return "", err
	}
	var document struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(a.body, &document); err != nil {
		return "", badSet("the discovery document of %s is not one: %v", issuer, err)
	}
	if document.Issuer != issuer {
		return "", badSet("the discovery document at %s is that of %q", issuer, document.Issuer)
	}
	keys, err := safeURL(document.Keys)
	if err != nil {
		return "", badSet("jwks_uri of %s: %v", issuer, err)
	}
	if keys.Scheme != "https" && keys.Host != own.Host {
		return "", badSet("jwks_uri of %s is %s: neither https nor the issuer's own host", issuer, document.Keys)
	}
	return document.Keys, nil
}
