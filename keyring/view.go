package keyring

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jotkeeper/jotkeeper/jwks"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/secret"
)

// A view is what a node goes by until the clock or the store changes it. It
// never changes itself.
type view struct {
	records  []Record
	set      *jwks.Set
	snapshot *jwt.Snapshot
	signing  *jwt.PrivateKey // nil when none is in force
	until    time.Time       // the clock alone changes it then
	heard    time.Time       // when the store was last read
}

// An entry is an opened key. Its public half is one pointer for as long as the
// key is in force.
type entry struct {
	private *jwt.PrivateKey
	problem error // damaged: neither used nor published
}

// at returns the view of now.
func (r *Ring) at(now time.Time) *view {
	v := r.current.Load()
	if now.Before(v.until) {
		return v
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if v = r.current.Load(); !now.Before(v.until) {
		v = r.show(v.records, now, v.heard)
	}
	return v
}

// Reload reads the store: what other processes did takes hold here. It changes
// nothing in the store. On an error the node goes on with what it knows, for
// twice MaxAge.
func (r *Ring) Reload(ctx context.Context, now time.Time) error {
	return r.reload(ctx, r.cfg.Store, now)
}

func (r *Ring) reload(ctx context.Context, store Store, now time.Time) error {
	r.loading.Lock()
	defer r.loading.Unlock()
	records, err := store.Keys(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		err = r.open(records)
	}
	if r.stats.count(err); err != nil {
		return err
	}
	heard := now
	if v := r.current.Load(); v != nil {
		heard = later(now, v.heard)
	}
	r.show(records, now, heard)
	return nil
}

// open decrypts the keys that were not seen before. The caller holds mu.
func (r *Ring) open(records []Record) error {
	for _, rec := range records {
		if rec.State == Compromised || r.entries[rec.ID] != nil {
			continue
		}
		key, err := r.unseal(rec)
		if errors.Is(err, ErrMasterKey) {
			return err
		}
		r.entries[rec.ID] = &entry{key, err}
	}
	return nil
}

// sealPurpose is what a sealed signing key is sealed for; its kid is the subject.
const sealPurpose = "signing key"

// unseal opens a record. A row that this server did not seal, or that holds
// another key than its ID names, is damaged.
func (r *Ring) unseal(rec Record) (*jwt.PrivateKey, error) {
	der, err := r.cfg.Master.Open(rec.Sealed, sealPurpose, rec.ID)
	if errors.Is(err, secret.ErrUnknownKey) {
		return nil, wrongMasterKey(rec.ID)
	}
	if err != nil {
		return nil, errDamaged
	}
	key, err := jwt.ParsePKCS8(der, rec.Algorithm)
	if err != nil || key.ID() != rec.ID {
		return nil, errDamaged
	}
	return key, nil
}

// show puts a view of records at now in place. Keys that left it are withdrawn.
// The caller holds mu.
func (r *Ring) show(records []Record, now, heard time.Time) *view {
	c := read(records, r.damaged(), now)
	v := &view{records: records, until: c.changesAt(), heard: heard}
	var keys []*jwt.PublicKey
	for _, rec := range c.published() {
		keys = append(keys, r.entries[rec.ID].private.Public())
	}
	if s, ok := c.signer(); ok {
		v.signing = r.entries[s.ID].private
	}
	old := r.current.Load()
	if old != nil && slices.Equal(old.set.Keys(), keys) {
		v.set, v.snapshot = old.set, old.snapshot
	} else {
		v.set = jwks.NewSet(keys...)
		v.snapshot, _ = v.set.Snapshot(now) // a Set always has one
	}
	r.current.Store(v)
	r.forget(keys)
	return v
}

// forget withdraws the keys that are not among those in force.
func (r *Ring) forget(inForce []*jwt.PublicKey) {
	for kid, e := range r.entries {
		if e.problem != nil || slices.Contains(inForce, e.private.Public()) {
			continue
		}
		e.private.Public().Withdraw()
		delete(r.entries, kid)
	}
}

// damaged returns the IDs of the records that do not open. The caller holds mu.
func (r *Ring) damaged() map[string]bool {
	ids := map[string]bool{}
	for kid, e := range r.entries {
		if e.problem != nil {
			ids[kid] = true
		}
	}
	return ids
}
