package facepage

import (
	"errors"
	"net/http"
	"time"

	"github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/jwks"
)

// A verifying verifies tokens by itself: it fetches the public keys, follows the
// revocations, and counts what it asks the network for. Three of the four
// processes have one.
type verifying struct {
	*jotkeeper.Auth
	keys  *jwks.Remote
	calls *calls
}

// verifyFor takes the tokens that orders name, in the header or in a cookie.
func verifyFor(o Orders, cookie string) (*verifying, error) {
	v := &verifying{calls: newCalls()}
	client := &http.Client{Timeout: 5 * time.Second, Transport: v.calls.counting(direct())}
	var err error
	if v.keys, err = jwks.NewRemote(jwks.RemoteConfig{Issuer: o.Issuer, Client: client}); err != nil {
		return nil, err
	}
	v.Auth, err = jotkeeper.New(jotkeeper.Config{
		Issuer: o.Issuer, Audience: o.Audience, Keys: v.keys, Cookie: jotkeeper.Cookie{Name: cookie}, Client: client,
		Feed: jotkeeper.Feed{Token: o.Follow, Transport: v.calls.counting(direct())},
	})
	if err != nil {
		return nil, errors.Join(err, v.keys.Close())
	}
	return v, nil
}

// direct connects to this machine, past any proxy.
func direct() *http.Transport { return &http.Transport{MaxIdleConnsPerHost: 8} }

// ready tells whether the keys and the revocations have come: before that
// everybody would be refused with 503.
func (v *verifying) ready() bool { return v.keys.Stats().Keys > 0 && !v.Stats().Stale }

// Close ends what goes on beside the requests.
func (v *verifying) Close() {
	v.Auth.Close()
	_ = v.keys.Close() // it says nothing of use
}
