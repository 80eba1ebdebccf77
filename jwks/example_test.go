package jwks_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/jotkeeper/jotkeeper/jwks"
	"github.com/jotkeeper/jotkeeper/jwt"
)

// A verifier keeps the key set of its issuer.
func ExampleNewRemote() {
	key, err := jwt.GenerateKey(jwt.ES256)
	if err != nil {
		log.Fatal(err)
	}
	set := jwks.NewSet(key.Public())
	site := httptest.NewServer(jwks.Handler(func(time.Time) (*jwks.Set, time.Duration) { return set, 5 * time.Minute }))
	defer site.Close()

	keys, err := jwks.NewRemote(jwks.RemoteConfig{URL: site.URL, Client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}})
	if err != nil {
		log.Fatal(err)
	}
	defer keys.Close()
	if err := keys.Ready(context.Background()); err != nil {
		log.Fatal(err)
	}
	snapshot, err := keys.Snapshot(time.Now())
	fmt.Println(snapshot.Key(key.ID()).Algorithm(), err)
	// Output: ES256 <nil>
}

// One key that cannot be used does not spoil the set.
func ExampleParse() {
	set, skipped, err := jwks.Parse([]byte(`{"keys":[
		{"kty":"AKP","alg":"ML-DSA-44","kid":"tomorrow","pub":"AQ"},
		{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"today","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
	]}`))
	fmt.Println(set.Keys()[0].ID(), len(skipped), err)
	// Output: today 1 <nil>
}
