package keyring_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keyring"
	"github.com/jotkeeper/jotkeeper/secret"
)

const (
	issuer   = "https://id.example.com"
	audience = "https://api.example.com"
	day      = 24 * time.Hour
)

// noon is when each story begins.
var noon = time.Date(2026, 5, 12, 12, 0, 0, 0, time.UTC)

// A shelf is a keyring.Store in a slice, with a hook before each operation and
// one after it.
type shelf struct {
	mu      sync.Mutex
	records []keyring.Record
	calls   []string
	before  func(call string) error // an error: the operation did not happen
	after   func(call string) error // an error: it did, and the answer is lost
}

func (s *shelf) do(call string, f func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, call)
	if s.before != nil {
		if err := s.before(call); err != nil {
			return err
		}
	}
	if err := f(); err != nil {
		return err
	}
	if s.after != nil {
		return s.after(call)
	}
	return nil
}

// Keys returns copies, oldest first.
func (s *shelf) Keys(context.Context) (list []keyring.Record, err error) {
	err = s.do("keys", func() error {
		for _, r := range s.records {
			r.Sealed, r.Public = slices.Clone(r.Sealed), slices.Clone(r.Public)
			list = append(list, r)
		}
		return nil
	})
	return list, err
}

func (s *shelf) Insert(_ context.Context, r keyring.Record) error {
	return s.do("insert", func() error {
		if slices.ContainsFunc(s.records, func(o keyring.Record) bool { return o.ID == r.ID || o.Period == r.Period }) {
			return keyring.ErrConflict
		}
		r.Revision = 1
		s.records = append(s.records, r)
		return nil
	})
}

func (s *shelf) Swap(_ context.Context, from, to keyring.Record) error {
	return s.do("swap "+string(to.State), func() error {
		i := slices.IndexFunc(s.records, func(o keyring.Record) bool { return o.ID == from.ID })
		switch {
		case i < 0:
			return keyring.ErrNotFound
		case s.records[i].Revision != from.Revision:
			return keyring.ErrConflict
		}
		to.Revision = from.Revision + 1
		s.records[i] = to
		return nil
	})
}

func (s *shelf) Sweep(_ context.Context, now time.Time) (n int, err error) {
	err = s.do("sweep", func() error {
		left := slices.DeleteFunc(slices.Clone(s.records), func(r keyring.Record) bool { return r.GoneAt.Before(now) })
		n, s.records = len(s.records)-len(left), left
		return nil
	})
	return n, err
}

// counted runs f and returns the operations of the store that it took.
func (s *shelf) counted(f func()) string {
	s.mu.Lock()
	s.calls = nil
	s.mu.Unlock()
	f()
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.calls, ", ")
}

var master = secret.NewRing(secret.Generate())

func config(store keyring.Store) keyring.Config {
	return keyring.Config{Store: store, Master: master, TokenLife: 15 * time.Minute}
}

func open(t testing.TB, now time.Time, cfg keyring.Config) *keyring.Ring {
	t.Helper()
	r, err := keyring.Open(t.Context(), now, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func tick(t testing.TB, r *keyring.Ring, now time.Time) {
	t.Helper()
	if err := r.Tick(t.Context(), now); err != nil {
		t.Fatal(err)
	}
}

// sign mints an access token that lives 15 minutes.
func sign(t testing.TB, r *keyring.Ring, now time.Time) string {
	t.Helper()
	raw, err := trySign(r, now)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func trySign(r *keyring.Ring, now time.Time) (string, error) {
	return r.Signer(jwt.KindAccess).Sign(now, &jwt.Access{Registered: jwt.Registered{
		Issuer: issuer, Subject: "42", Audience: jwt.Audience{audience}, ID: jwt.NewID(),
		IssuedAt: jwt.TimeOf(now), Expires: jwt.TimeOf(now.Add(15 * time.Minute)),
	}})
}

func verifier(t testing.TB, keys jwt.Keys) *jwt.Verifier[jwt.Access] {
	t.Helper()
	v, err := jwt.NewVerifier[jwt.Access](jwt.VerifierConfig{Issuer: issuer, Audience: []string{audience}, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// signs returns the ID of the key that signs at now.
func signs(t testing.TB, r *keyring.Ring, now time.Time) string {
	t.Helper()
	return kidOf(t, sign(t, r, now))
}

func list(t testing.TB, r *keyring.Ring, now time.Time) []keyring.Info {
	t.Helper()
	l, err := r.List(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// states says the calendar in a word a key, oldest first.
func states(t testing.TB, r *keyring.Ring, now time.Time) string {
	t.Helper()
	var words []string
	for _, i := range list(t, r, now) {
		words = append(words, string(i.State))
	}
	return strings.Join(words, " ")
}

// published returns the key IDs of the set.
func published(r *keyring.Ring) (kids []string) {
	for _, k := range r.Set().Keys() {
		kids = append(kids, k.ID())
	}
	return kids
}

func TestFirstStart(t *testing.T) {
	s := &shelf{}
	var r *keyring.Ring
	if got := s.counted(func() { r = open(t, noon, config(s)) }); got != "keys, insert, keys, insert, keys" {
		t.Errorf("the first start did: %s", got)
	}
	if got := states(t, r, noon); got != "active next" {
		t.Errorf("calendar: %s", got)
	}
	token, err := verifier(t, r).Verify(t.Context(), noon, sign(t, r, noon))
	if err != nil || token.Algorithm() != jwt.ES256 {
		t.Fatalf("the first token: %v, %v", token, err)
	}
	l := list(t, r, noon)
	if !l[1].SignsFrom.Equal(noon.Add(30*day)) || !slices.Contains(published(r), l[1].ID) {
		t.Errorf("the next key signs from %s, published: %v", l[1].SignsFrom, published(r))
	}
	if got := s.counted(func() { tick(t, r, noon.Add(time.Hour)) }); got != "keys" {
		t.Errorf("a tick with nothing due did: %s", got)
	}
}

func TestCalendarTurns(t *testing.T) {
	s := &shelf{}
	r := open(t, noon, config(s))
	first, second := list(t, r, noon)[0].ID, list(t, r, noon)[1].ID
	old := sign(t, r, noon.Add(30*day-time.Second))

	turn := noon.Add(30 * day)
	tick(t, r, turn.Add(-time.Second))
	if signs(t, r, turn.Add(-time.Nanosecond)) != first || signs(t, r, turn) != second {
		t.Error("the keys do not change over when the calendar says so")
	}
	if got := s.counted(func() { tick(t, r, turn) }); got != "keys, swap active, keys, swap retired, keys, insert, keys" {
		t.Errorf("the turn did: %s", got)
	}
	if got := states(t, r, turn); got != "retired active next" {
		t.Errorf("calendar after the turn: %s", got)
	}
	v := verifier(t, r)
	if _, err := v.Verify(t.Context(), turn.Add(10*time.Minute), old); err != nil {
		t.Errorf("the old key's last token: %v", err)
	}
	gone := list(t, r, turn)[0].GoneAt
	if want := turn.Add(10*time.Minute + 15*time.Minute + time.Minute); !gone.Equal(want) {
		t.Errorf("the old key goes at %s, want %s", gone, want)
	}
	if snap, _ := r.Snapshot(gone.Add(-time.Second)); snap.Key(first) == nil {
		t.Error("the old key left too early")
	}
	if snap, _ := r.Snapshot(gone); snap.Key(first) != nil {
		t.Error("the old key stayed, though no tick ran")
	}
	if got := s.counted(func() { tick(t, r, gone.Add(2*time.Second)) }); got != "keys, sweep, keys" {
		t.Errorf("the sweep did: %s", got)
	}
	if got := states(t, r, gone.Add(2*time.Second)); got != "active next" {
		t.Errorf("calendar after the sweep: %s", got)
	}
}

func TestConfigSaysAllThatIsWrong(t *testing.T) {
	_, err := keyring.Open(t.Context(), noon, keyring.Config{Rotation: time.Minute, MaxAge: 1500 * time.Millisecond, TokenLife: -time.Hour})
	if !errors.Is(err, keyring.ErrConfig) {
		t.Fatalf("got %v, want ErrConfig", err)
	}
	for _, part := range []string{"Store", "Master", "MaxAge of 1.5s", "TokenLife"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("no word of %q in %q", part, err)
		}
	}
	_, err = keyring.Open(t.Context(), noon, keyring.Config{Store: &shelf{}, Master: master, Rotation: 10 * time.Minute})
	if !errors.Is(err, keyring.ErrConfig) || !strings.Contains(err.Error(), "at least 20m0s") {
		t.Errorf("got %v, want ErrConfig with the least rotation", err)
	}
}
