package jwt

import (
	"context"
	"errors"
	"slices"
	"time"
)

// key finds the one key whose header this is, asking once for one that may be
// new.
func (v *Verifier[C]) key(ctx context.Context, now time.Time, keys *Snapshot, segment string) (*PublicKey, error) {
	key, missing, err := v.lookUp(keys, segment)
	if missing != "" {
		if err := v.cfg.Keys.Missing(ctx, now, missing); err != nil {
			return nil, unavailable(err)
		}
		if keys, err = v.snapshot(now); err != nil {
			return nil, err
		}
		key, _, err = v.lookUp(keys, segment)
	}
	switch {
	case err != nil:
		return nil, err
	case key == nil || key.Withdrawn():
		return nil, errKey
	}
	return key, nil
}

// lookUp finds the header's key among keys, or the key ID that they lack.
func (v *Verifier[C]) lookUp(keys *Snapshot, segment string) (key *PublicKey, missing string, err error) {
	if key := v.headers(keys).keys[segment]; key != nil {
		return key, "", nil
	}
	h, ok := ownHeader(segment)
	if !ok && v.cfg.ForeignHeaders {
		h, ok = foreignHeader(segment)
	}
	if !ok || !v.acceptable(h) {
		return nil, "", errHeader
	}
	switch key := keys.Key(h.kid); {
	case key == nil:
		return nil, h.kid, nil
	case key.alg != h.alg: // RFC 8725 §3.1: the key says how it is used
		return nil, "", errHeader
	default:
		return key, "", nil
	}
}

// acceptable reports whether any key could make h good: else nobody is asked.
func (v *Verifier[C]) acceptable(h header) bool {
	known := h.alg == EdDSA || h.alg.hash() != 0
	return known && (!h.alg.symmetric() || v.cfg.OneApplication) && slices.Contains(v.cfg.Typ, h.typ)
}

// headers returns the table for keys, made once per snapshot.
func (v *Verifier[C]) headers(keys *Snapshot) *headerTable {
	t := v.table.Load()
	if t == nil || t.snapshot != keys {
		t = newHeaderTable(keys, v.cfg.Typ, v.cfg.OneApplication)
		v.table.Store(t)
	}
	return t
}

// snapshot returns the keys in force.
func (v *Verifier[C]) snapshot(now time.Time) (*Snapshot, error) {
	keys, err := v.cfg.Keys.Snapshot(now)
	switch {
	case err != nil:
		return nil, unavailable(err)
	case keys == nil:
		return nil, unavailable(errors.New("the key set is nil"))
	}
	return keys, nil
}

// unavailable passes on a verdict about a key; every other error of a key set
// is trouble, and what cannot be known now is no refusal.
func unavailable(err error) error {
	if r := ReasonOf(err); r == BadKey || r == Unavailable {
		return err
	}
	return &Error{Unavailable, "the issuer's keys cannot be had", err}
}
