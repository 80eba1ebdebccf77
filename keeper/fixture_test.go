package keeper_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/store"
	"github.com/jotkeeper/jotkeeper/store/memory"
	"github.com/jotkeeper/jotkeeper/store/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	issuer = "https://shop.example.com"
	shop   = "https://shop.example.com"
	books  = "https://books.example.com"
)

// evening is when these stories begin.
var evening = time.Date(2026, 5, 4, 19, 30, 0, 500000000, time.UTC)

// A house is a program that keeps its sessions.
type house struct {
	*testing.T
	*keeper.Keeper
	cfg   keeper.Config
	clock *clock
	wire  *wire // between the Keeper and its backend
	ring  *keys
}

func newHouse(t *testing.T, changes ...func(*keeper.Config)) *house {
	t.Helper()
	b := memory.New()
	t.Cleanup(func() { b.Close() })
	return houseOver(t, b, changes...)
}

// onEach tells a story once on each kind of store.
func onEach(t *testing.T, story func(t *testing.T, h *house)) {
	t.Run("memory", func(t *testing.T) { story(t, newHouse(t)) })
	t.Run("sqlite", func(t *testing.T) {
		b, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { b.Close() })
		story(t, houseOver(t, b))
	})
}

func houseOver(t *testing.T, b store.Backend, changes ...func(*keeper.Config)) *house {
	t.Helper()
	set := b.Set()
	w := &wire{store: set.Keepers, Log: set.Revocations}
	h := &house{T: t, clock: &clock{now: evening}, wire: w, ring: newKeys(t, jwt.ES256)}
	h.cfg = keeper.Config{
		Issuer: issuer, Audience: shop, Audiences: []string{books}, Signer: h.ring.signer(), Keys: h.ring,
		Store: w, Revocations: w, Now: h.clock.read,
	}
	for _, change := range changes {
		change(&h.cfg)
	}
	h.Keeper = h.node()
	return h
}

// node starts a program over the same store.
func (h *house) node(changes ...func(*keeper.Config)) *keeper.Keeper {
	h.Helper()
	cfg := h.cfg
	for _, change := range changes {
		change(&cfg)
	}
	k, err := keeper.New(cfg)
	if err != nil {
		h.Fatal(err)
	}
	k.SetMachine(h.clock.read)
	if err := k.CatchUp(h.Context()); err != nil {
		h.Fatal(err)
	}
	return k
}

// pass lets time pass while the log is followed.
func (h *house) pass(d time.Duration, nodes ...*keeper.Keeper) {
	h.Helper()
	h.clock.add(d)
	for _, k := range append(nodes, h.Keeper) {
		if err := k.CatchUp(h.Context()); err != nil {
			h.Fatal(err)
		}
	}
}

func (h *house) login() *keeper.Token {
	h.Helper()
	return h.creates(keeper.Claims{Subject: "ada", Methods: []string{"pwd"}, Context: "1", Scope: "read", Tenant: "acme", Private: map[string]any{"plan": "pro"}})
}

func (h *house) creates(c keeper.Claims) *keeper.Token {
	h.Helper()
	t, err := h.Create(h.Context(), c)
	if err != nil {
		h.Fatal(err)
	}
	return t
}

// finds shows a token and wants it to be good.
func (h *house) finds(raw string) *keeper.Token {
	h.Helper()
	t, err := h.Find(h.Context(), raw)
	if err != nil {
		h.Fatalf("finding: %v", err)
	}
	return t
}

// refuses shows a token and wants it refused.
func (h *house) refuses(raw string, want jwt.Reason) {
	h.Helper()
	t, err := h.Find(h.Context(), raw)
	if jwt.ReasonOf(err) != want || t != nil {
		h.Errorf("finding gave %v, %v; want the reason %s", t, err, want)
	}
}

// visits is one request: Find, Renew. It wants both to go well and returns what
// the answer carries.
func (h *house) visits(raw string) *keeper.Token {
	h.Helper()
	t, err := h.Renew(h.Context(), h.finds(raw))
	if err != nil {
		h.Fatalf("renewing: %v", err)
	}
	return t
}

// must wants no error.
func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// rules reads the log.
func (h *house) rules() (list []string) {
	h.Helper()
	entries, err := h.wire.Log.Read(h.Context(), revocation.Cursor{}, 1000)
	h.must(err)
	for _, e := range entries {
		list = append(list, fmt.Sprintf("%s %s %s", e.Rule.Scope, e.Rule.Action, e.Rule.Reason))
	}
	return list
}

func (h *house) wantRules(want ...string) {
	h.Helper()
	if got := h.rules(); strings.Join(got, ", ") != strings.Join(want, ", ") {
		h.Errorf("the log has %q, want %q", got, want)
	}
}

// A clock stands still until it is told.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// keys are a key that signs, and those that did.
type keys struct {
	mu   sync.Mutex
	all  []*jwt.PrivateKey
	gone map[string]bool
}

func newKeys(t testing.TB, alg jwt.Algorithm) *keys {
	k := &keys{gone: map[string]bool{}}
	k.turn(t, alg)
	return k
}

// turn makes another key sign.
func (k *keys) turn(t testing.TB, alg jwt.Algorithm) {
	t.Helper()
	key, err := jwt.GenerateKey(alg)
	if err != nil {
		t.Fatal(err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.all = append(k.all, key)
}

// drop takes the first key out of the set.
func (k *keys) drop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.all[0].Public().Withdraw()
	k.gone[k.all[0].ID()] = true
}

func (k *keys) signer() *jwt.Signer {
	return jwt.NewSigner(func(time.Time) (*jwt.PrivateKey, error) {
		k.mu.Lock()
		defer k.mu.Unlock()
		return k.all[len(k.all)-1], nil
	}, jwt.KindSession).Recalling(func(_ time.Time, kid string) (*jwt.PrivateKey, error) {
		k.mu.Lock()
		defer k.mu.Unlock()
		for _, key := range k.all {
			if key.ID() == kid && !k.gone[kid] {
				return key, nil
			}
		}
		return nil, errors.New("no such key")
	})
}

func (k *keys) Snapshot(time.Time) (*jwt.Snapshot, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var public []*jwt.PublicKey
	for _, key := range k.all {
		if !k.gone[key.ID()] {
			public = append(public, key.Public())
		}
	}
	return jwt.NewSnapshot(public...), nil
}

func (k *keys) Missing(context.Context, time.Time, string) error {
	return &jwt.Error{Reason: jwt.BadKey, Detail: "no key of this ID is in force"}
}

// A wire is the store and the log of a Keeper, counted; it can be cut.
type wire struct {
	store keeper.Store
	revocation.Log
	mu    sync.Mutex
	calls []string
	cut   error        // what every call fails with
	late  error        // what every call fails with after it was done
	onto  func(string) // before each call
}

var errCut = fmt.Errorf("%w: the cable is out", store.ErrUnavailable)

func (w *wire) call(name string) error {
	w.mu.Lock()
	w.calls = append(w.calls, name)
	onto, cut := w.onto, w.cut
	w.mu.Unlock()
	if onto != nil {
		onto(name)
	}
	return cut
}

func (w *wire) lost(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		return w.late
	}
	return err
}

func (w *wire) set(cut, late error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut, w.late = cut, late
}

// counted returns the calls that f made.
func (w *wire) counted(f func()) string {
	w.mu.Lock()
	w.calls = nil
	w.mu.Unlock()
	f()
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.calls, " ")
}

func (w *wire) Rotate(ctx context.Context, r keeper.Rotation, q revocation.Query) (keeper.Rotation, error) {
	if err := w.call("rotate"); err != nil {
		return keeper.Rotation{}, err
	}
	won, err := w.store.Rotate(ctx, r, q)
	return won, w.lost(err)
}

func (w *wire) Rotated(ctx context.Context, id string) (keeper.Rotation, error) {
	if err := w.call("rotated"); err != nil {
		return keeper.Rotation{}, err
	}
	return w.store.Rotated(ctx, id)
}

func (w *wire) Rekey(ctx context.Context, id, from, to string) (keeper.Rotation, error) {
	if err := w.call("rekey"); err != nil {
		return keeper.Rotation{}, err
	}
	return w.store.Rekey(ctx, id, from, to)
}

func (w *wire) Sweep(ctx context.Context, now time.Time) (int, error) {
	if err := w.call("sweep"); err != nil {
		return 0, err
	}
	return w.store.Sweep(ctx, now)
}

func (w *wire) Head(ctx context.Context) (revocation.Cursor, error) {
	if err := w.call("head"); err != nil {
		return revocation.Cursor{}, err
	}
	return w.Log.Head(ctx)
}

func (w *wire) Read(ctx context.Context, after revocation.Cursor, limit int) ([]revocation.Entry, error) {
	if err := w.call("read"); err != nil {
		return nil, err
	}
	return w.Log.Read(ctx, after, limit)
}

func (w *wire) Append(ctx context.Context, now time.Time, rules ...revocation.Rule) (revocation.Cursor, error) {
	if err := w.call("append"); err != nil {
		return revocation.Cursor{}, err
	}
	c, err := w.Log.Append(ctx, now, rules...)
	return c, w.lost(err)
}

func (w *wire) Compact(ctx context.Context, now time.Time) (int, error) {
	if err := w.call("compact"); err != nil {
		return 0, err
	}
	return w.Log.Compact(ctx, now)
}
