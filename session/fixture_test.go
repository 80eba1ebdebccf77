package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/secret"
	"github.com/jotkeeper/jotkeeper/session"
	"github.com/jotkeeper/jotkeeper/store"
	"github.com/jotkeeper/jotkeeper/store/memory"
	"github.com/jotkeeper/jotkeeper/store/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const issuer = "https://id.example.com"

// evening is when these stories begin.
var evening = time.Date(2026, 5, 4, 19, 30, 0, 123456000, time.UTC)

// A house is a server's sessions with all that they need.
type house struct {
	*testing.T
	*session.Sessions
	cfg      session.Config
	backend  store.Backend
	wire     *wire // between Sessions and the backend
	index    *revocation.Index
	key      *jwt.PrivateKey
	verifier *jwt.Verifier[jwt.Access]

	mu     sync.Mutex
	rights map[string]session.Rights
	denied map[string]error
}

// onEach tells a story once on each kind of store.
func onEach(t *testing.T, story func(t *testing.T, h *house)) {
	t.Run("memory", func(t *testing.T) { story(t, newHouse(t, memory.New())) })
	t.Run("sqlite", func(t *testing.T) { story(t, newHouse(t, inFile(t))) })
}

// onEachUnhurried does so where no patience runs out however long a store takes.
func onEachUnhurried(t *testing.T, story func(t *testing.T, h *house)) {
	for name, open := range map[string]func(*testing.T) store.Backend{
		"memory": func(*testing.T) store.Backend { return memory.New() }, "sqlite": inFile,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { story(t, newHouse(t, open(t))) })
		})
	}
}

func inFile(t *testing.T) store.Backend {
	t.Helper()
	b, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newHouse(t *testing.T, b store.Backend) *house {
	t.Helper()
	t.Cleanup(func() { b.Close() })
	key, err := jwt.GenerateKey("ES256")
	if err != nil {
		t.Fatal(err)
	}
	h := &house{
		T: t, backend: b, wire: &wire{Store: b.Set().Sessions}, index: revocation.NewIndex(issuer), key: key,
		rights: map[string]session.Rights{}, denied: map[string]error{},
	}
	h.verifier, err = jwt.NewVerifier[jwt.Access](jwt.VerifierConfig{
		Issuer: issuer, Audience: []string{"shop", "books"}, Keys: jwt.NewSnapshot(key.Public()),
	})
	if err != nil {
		t.Fatal(err)
	}
	h.cfg = session.Config{
		Issuer: issuer, Store: h.wire, Master: secret.NewRing(secret.Generate()),
		Signer:  jwt.NewSigner(func(time.Time) (*jwt.PrivateKey, error) { return key, nil }, jwt.KindAccess),
		Checker: h.index, Rights: h.rightsOf, Audiences: []string{"books"},
	}
	h.rebuild()
	return h
}

// rebuild makes the sessions anew after cfg was changed.
func (h *house) rebuild() {
	h.Helper()
	var err error
	if h.Sessions, err = session.New(h.cfg); err != nil {
		h.Fatal(err)
	}
}

func (h *house) rightsOf(_ context.Context, account string) (session.Rights, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.rights[account], h.denied[account]
}

// login opens a session of ada's.
func (h *house) login(now time.Time) session.Issued {
	h.Helper()
	return h.loginAs(now, "ada")
}

func (h *house) loginAs(now time.Time, account string) session.Issued {
	h.Helper()
	issued, err := h.Start(h.Context(), now, session.Login{
		Account: account, Audience: "shop", Methods: []string{"pwd"}, Context: "1", Agent: "curl/8", Address: "127.0.0.1", RequestID: "r-login",
	}, h.epoch(account))
	if err != nil {
		h.Fatal(err)
	}
	return issued
}

func (h *house) epoch(account string) int64 {
	h.Helper()
	e, err := h.Epoch(h.Context(), account)
	if err != nil {
		h.Fatal(err)
	}
	return e
}

// refreshes refreshes and wants an outcome.
func (h *house) refreshes(now time.Time, raw, want string) session.Issued {
	h.Helper()
	issued, err := h.Refresh(h.Context(), now, raw, session.Request{RequestID: "r-refresh"})
	if got := issued.Outcome; err != nil || got != want {
		h.Fatalf("refresh: %q, %v; want %q", got, err, want)
	}
	return issued
}

// refused refreshes and wants a refusal.
func (h *house) refused(now time.Time, raw string, want session.Error) {
	h.Helper()
	h.refusedAs(now, raw, session.Request{}, want)
}

func (h *house) refusedAs(now time.Time, raw string, r session.Request, want session.Error) {
	h.Helper()
	issued, err := h.Refresh(h.Context(), now, raw, r)
	var e *session.Error
	if !errors.As(err, &e) || e.Outcome != want.Outcome || e.Reason != want.Reason {
		h.Errorf("refresh: %q, %v; want %s, %s", issued.Outcome, err, want.Outcome, want.Reason)
	}
	if issued.Access != "" || issued.Refresh != "" {
		h.Error("a refusal came with tokens")
	}
}

// claims verifies an access token.
func (h *house) claims(now time.Time, raw string) *jwt.Access {
	h.Helper()
	token, err := h.verifier.Verify(h.Context(), now, raw)
	if err != nil {
		h.Fatal(err)
	}
	return token.Claims()
}

// follow brings the node's index up to date with the log.
func (h *house) follow() []revocation.Entry {
	h.Helper()
	entries, err := h.backend.Set().Revocations.Read(h.Context(), revocation.Cursor{Epoch: 1}, 1000)
	if err != nil {
		h.Fatal(err)
	}
	if err := h.index.Apply(entries...); err != nil {
		h.Fatal(err)
	}
	return entries
}

func (h *house) row(sid string) session.Row {
	h.Helper()
	row, err := h.Find(h.Context(), sid)
	if err != nil {
		h.Fatal(err)
	}
	return row
}

func (h *house) allow(account, scope string, claims map[string]json.RawMessage) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rights[account] = session.Rights{Scope: scope, Claims: claims}
}

func (h *house) deny(account string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.denied[account] = err
}

// A wire is a Store that counts what goes over it, and can be cut.
type wire struct {
	session.Store
	mu                 sync.Mutex
	finds, swaps, ends int
	cut                error                // what every call fails with
	found              func(r *session.Row) // bends what was read
	swapping           func() error         // before a Swap
}

func (w *wire) call(count *int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	*count++
	return w.cut
}

func (w *wire) setCut(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = err
}

// counts returns how many calls there were since it was last asked.
func (w *wire) counts() [3]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := [3]int{w.finds, w.swaps, w.ends}
	w.finds, w.swaps, w.ends = 0, 0, 0
	return c
}

func (w *wire) Find(ctx context.Context, sid string) (session.Row, revocation.Cursor, error) {
	if err := w.call(&w.finds); err != nil {
		return session.Row{}, revocation.Cursor{}, err
	}
	row, head, err := w.Store.Find(ctx, sid)
	if w.found != nil && err == nil {
		w.found(&row)
	}
	return row, head, err
}

func (w *wire) Swap(ctx context.Context, from, to session.Row) error {
	if err := w.call(&w.swaps); err != nil {
		return err
	}
	if w.swapping != nil {
		if err := w.swapping(); err != nil {
			return err
		}
	}
	return w.Store.Swap(ctx, from, to)
}

func (w *wire) End(ctx context.Context, e session.Ending) ([]string, revocation.Cursor, error) {
	if err := w.call(&w.ends); err != nil {
		return nil, revocation.Cursor{}, err
	}
	return w.Store.End(ctx, e)
}
