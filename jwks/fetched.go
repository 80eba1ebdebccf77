package jwks

import (
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// A fetched set, with what must be remembered of it. It never changes.
type fetched struct {
	set     *Set
	skipped []error
	at      time.Time // before the request was sent
	etag    string
	maxAge  time.Duration
	// material is the thumbprint that each key ID stands for. An ID keeps its
	// meaning for as long as it is in the document.
	material map[string]string
}

// adopt returns f as the successor of old, which may be nil: keys that stayed
// are the same pointers, and a key ID that now has other key material is left
// out until a document without that ID was seen. Such a swap is an accident or
// an attack, and an honest issuer makes a new ID.
func (f *fetched) adopt(old *fetched) *fetched {
	f.material = map[string]string{}
	var keys []*jwt.PublicKey
	for _, k := range f.set.Keys() {
		f.material[k.ID()] = k.Thumbprint()
		if old != nil {
			if meant, known := old.material[k.ID()]; known && meant != k.Thumbprint() {
				f.material[k.ID()] = meant
				f.skipped = append(f.skipped, badSet("key ID %q has other key material than before", k.ID()))
				continue
			}
			if had := old.set.snapshot.Key(k.ID()); had != nil && had.Equal(k) && !had.Withdrawn() {
				k = had
			}
		}
		keys = append(keys, k)
	}
	f.set = NewSet(keys...)
	return f
}

// withdraw ends the keys of f that are not in next.
func (f *fetched) withdraw(next *fetched) {
	for _, k := range f.set.Keys() {
		if next.set.snapshot.Key(k.ID()) != k {
			k.Withdraw()
		}
	}
}
