package onetime_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/onetime"
	"github.com/jotkeeper/jotkeeper/store"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const issuer = "https://id.example.com"

var evening = time.Date(2030, 5, 17, 20, 15, 0, 500_000_000, time.UTC)

// A desk makes and takes tokens, and counts what the store is asked.
type desk struct {
	t     *testing.T
	key   *jwt.PrivateKey
	store *counted
	cfg   onetime.Config
}

func newDesk(t *testing.T) *desk {
	key, err := jwt.GenerateKey(jwt.ES256)
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, key: key, store: &counted{Store: memory.New().Set().OneTimes}}
	d.cfg = onetime.Config{
		Issuer: issuer, Keys: jwt.NewSnapshot(key.Public()), Store: d.store,
		Signer: jwt.NewSigner(func(time.Time) (*jwt.PrivateKey, error) { return key, nil },
			onetime.KindReset, onetime.KindLogin, onetime.KindVerify),
	}
	return d
}

func (d *desk) resets() *onetime.Tokens[onetime.Reset] { return made[onetime.Reset](d) }

func made[C any, P onetime.Purpose[C]](d *desk) *onetime.Tokens[C] {
	d.t.Helper()
	tokens, err := onetime.New[C, P](d.cfg)
	if err != nil {
		d.t.Fatal(err)
	}
	return tokens
}

func issue[C any](d *desk, tokens *onetime.Tokens[C], now time.Time, o onetime.Order) string {
	d.t.Helper()
	raw, err := tokens.Issue(d.t.Context(), now, o)
	if err != nil {
		d.t.Fatal(err)
	}
	return raw
}

func open[C any](d *desk, tokens *onetime.Tokens[C], now time.Time, raw string) *jwt.Token[C] {
	d.t.Helper()
	token, err := tokens.Open(d.t.Context(), now, raw)
	if err != nil {
		d.t.Fatal(err)
	}
	return token
}

func (d *desk) wants(err, want error) {
	d.t.Helper()
	if !errors.Is(err, want) || want == nil && err != nil {
		d.t.Errorf("got %v, want %v", err, want)
	}
}

// counted is a store that says how often it was asked, and may fail.
type counted struct {
	onetime.Store
	asked int
	fails error
}

func (c *counted) Put(ctx context.Context, r onetime.Record, limit int) error {
	if c.asked++; c.fails != nil {
		return c.fails
	}
	return c.Store.Put(ctx, r, limit)
}

func (c *counted) Take(ctx context.Context, hash string) (onetime.Record, error) {
	if c.asked++; c.fails != nil {
		return onetime.Record{}, c.fails
	}
	return c.Store.Take(ctx, hash)
}

func (c *counted) Find(ctx context.Context, hash string) (onetime.Record, error) {
	if c.asked++; c.fails != nil {
		return onetime.Record{}, c.fails
	}
	return c.Store.Find(ctx, hash)
}

// A forgotten password: the link is looked at by a scanner, opened twice by its
// owner, and sets one new password.
func TestALinkIsUsedOnce(t *testing.T) {
	d := newDesk(t)
	resets := d.resets()
	raw := issue(d, resets, evening, onetime.Order{Subject: "42", Version: 7})
	token := open(d, resets, evening, raw)
	if c := token.Claims(); c.Subject != "42" || c.Version != 7 || c.Expires.Time() != evening.Truncate(time.Second).Add(30*time.Minute) {
		t.Errorf("claims %+v", c)
	}
	for range 3 {
		d.wants(resets.Unused(t.Context(), evening, token, 7), nil)
	}
	d.wants(resets.Take(t.Context(), evening, token, 7), nil)
	d.wants(resets.Take(t.Context(), evening, token, 7), onetime.ErrUsed)
	d.wants(resets.Unused(t.Context(), evening, token, 7), onetime.ErrUsed)
}

// A111: 64 devices press the button at once.
func TestA111OneOfManyTakesIt(t *testing.T) {
	d := newDesk(t)
	d.cfg.Store = d.store.Store // counting is not safe beside itself
	resets := d.resets()
	token := open(d, resets, evening, issue(d, resets, evening, onetime.Order{Subject: "42"}))
	var all sync.WaitGroup
	errs := make([]error, 64)
	for i := range errs {
		all.Go(func() { errs[i] = resets.Take(t.Context(), evening, token, 0) })
	}
	all.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else {
			d.wants(err, onetime.ErrUsed)
		}
	}
	if won != 1 {
		t.Errorf("%d took it, want 1", won)
	}
}

// A112: what the token may change has changed: by another link, by hand, twice
// within the same second.
func TestA112AnOlderVersionIsRefused(t *testing.T) {
	d := newDesk(t)
	resets := d.resets()
	first := open(d, resets, evening, issue(d, resets, evening, onetime.Order{Subject: "42", Version: 7}))
	second := open(d, resets, evening, issue(d, resets, evening, onetime.Order{Subject: "42", Version: 7}))
	d.wants(resets.Take(t.Context(), evening, first, 7), nil)
	d.wants(resets.Take(t.Context(), evening, second, 8), onetime.ErrVersion)
	d.wants(resets.Unused(t.Context(), evening, second, 6), onetime.ErrVersion)
}

// A112: newer requests replace the earliest link, a lock kills them all.
func TestA112LaterLinksReplaceEarlierOnes(t *testing.T) {
	d := newDesk(t)
	resets, logins := d.resets(), made[onetime.Login](d)
	var tokens []*jwt.Token[onetime.Reset]
	for i := range 4 {
		now := evening.Add(time.Duration(i) * time.Minute)
		tokens = append(tokens, open(d, resets, now, issue(d, resets, now, onetime.Order{Subject: "42"})))
	}
	login := open(d, logins, evening, issue(d, logins, evening, onetime.Order{Subject: "42"}))
	now := evening.Add(4 * time.Minute)
	d.wants(resets.Unused(t.Context(), now, tokens[0], 0), onetime.ErrUsed)
	for _, token := range tokens[1:] {
		d.wants(resets.Unused(t.Context(), now, token, 0), nil)
	}
	d.wants(resets.Drop(t.Context(), "42"), nil)
	for _, token := range tokens {
		d.wants(resets.Take(t.Context(), now, token, 0), onetime.ErrUsed)
	}
	d.wants(logins.Take(t.Context(), now, login, 0), nil)
}

// A114: expiry is asked when it counts, whatever a sweeper did, and again after
// the form lay open.
func TestA114ExpiryCountsToTheSecond(t *testing.T) {
	d := newDesk(t)
	resets := d.resets()
	raw := issue(d, resets, evening, onetime.Order{Subject: "42"})
	token := open(d, resets, evening, raw)
	over := evening.Truncate(time.Second).Add(30 * time.Minute)
	open(d, resets, over.Add(-time.Nanosecond), raw)
	_, err := resets.Open(t.Context(), over, raw)
	if jwt.ReasonOf(err) != jwt.Expired {
		t.Errorf("got %v, want expired", err)
	}
	if err := resets.Take(t.Context(), over, token, 0); jwt.ReasonOf(err) != jwt.Expired {
		t.Errorf("got %v, want expired", err)
	}
	d.wants(resets.Take(t.Context(), over.Add(-time.Nanosecond), token, 0), nil)
}

// A120: what nobody signed never reaches the store.
func TestA120GarbageAsksNoStore(t *testing.T) {
	d := newDesk(t)
	resets := d.resets()
	raw := issue(d, resets, evening, onetime.Order{Subject: "42"})
	asked := d.store.asked
	forged := raw[:strings.LastIndex(raw, ".")+1] + strings.Repeat("A", 86)
	for _, bad := range []string{"", "null", "%", "*", "[]", "{}", "a.b.c", " " + raw, raw + ".", forged} {
		if _, err := resets.Open(t.Context(), evening, bad); err == nil {
			t.Errorf("%q was opened", bad)
		}
	}
	if d.store.asked != asked {
		t.Errorf("the store was asked %d times", d.store.asked-asked)
	}
}

// Each purpose has one door: no other opens it, nor does one of another issuer
// or audience.
func TestATokenOpensOneDoor(t *testing.T) {
	d := newDesk(t)
	resets, logins, verifies := d.resets(), made[onetime.Login](d), made[onetime.Verify](d)
	reset := issue(d, resets, evening, onetime.Order{Subject: "42"})
	login := issue(d, logins, evening, onetime.Order{Subject: "42", Scope: "survey"})
	verify := issue(d, verifies, evening, onetime.Order{Subject: "42"})
	for _, bad := range []error{
		second(resets.Open(t.Context(), evening, login)), second(resets.Open(t.Context(), evening, verify)),
		second(logins.Open(t.Context(), evening, reset)), second(verifies.Open(t.Context(), evening, login)),
	} {
		if jwt.ReasonOf(bad) != jwt.Header {
			t.Errorf("another purpose: %v", bad)
		}
	}
	sessions, err := jwt.NewVerifier[jwt.Access](jwt.VerifierConfig{Issuer: issuer, Audience: []string{issuer}, Keys: d.cfg.Keys})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sessions.Verify(t.Context(), evening, login); jwt.ReasonOf(err) != jwt.Header {
		t.Errorf("a link is a session: %v", err)
	}
	d.cfg.Audience = "app.example.com"
	if _, err := d.resets().Open(t.Context(), evening, reset); jwt.ReasonOf(err) != jwt.BadAud {
		t.Errorf("another audience: %v", err)
	}
	if got := open(d, logins, evening, login).Claims().Scope; got != "survey" {
		t.Errorf("scope %q", got)
	}
}

func second[T any](_ T, err error) error { return err }

// The store is told a hash, and of trouble in it nobody concludes anything.
func TestTheStoreKnowsNoToken(t *testing.T) {
	d := newDesk(t)
	resets := d.resets()
	kept := &kept{Store: d.store.Store}
	resets = resets.On(kept)
	raw := issue(d, resets, evening, onetime.Order{Subject: "42"})
	token := open(d, resets, evening, raw)
	if id := token.Claims().ID; len(kept.hash) != 64 || strings.Contains(kept.hash, id) || strings.Contains(raw, kept.hash) {
		t.Errorf("the store keeps %q of %q", kept.hash, id)
	}
	trouble := errors.New("the disk is on fire")
	d.store.fails = trouble
	broken := resets.On(d.store)
	for _, err := range []error{
		second(broken.Issue(t.Context(), evening, onetime.Order{Subject: "42"})),
		broken.Unused(t.Context(), evening, token, 0), broken.Take(t.Context(), evening, token, 0),
	} {
		if !errors.Is(err, onetime.ErrRetry) || !errors.Is(err, trouble) || errors.Is(err, onetime.ErrUsed) {
			t.Errorf("trouble is told as %v", err)
		}
	}
	d.wants(resets.Take(t.Context(), evening, token, 0), nil)
}

type kept struct {
	onetime.Store
	hash string
}

func (k *kept) Put(ctx context.Context, r onetime.Record, limit int) error {
	k.hash = r.Hash
	return k.Store.Put(ctx, r, limit)
}

// What is used together with a change that fails is not used.
func TestTakenTogetherOrNotAtAll(t *testing.T) {
	d := newDesk(t)
	backend := memory.New()
	d.cfg.Store = backend.Set().OneTimes
	resets := d.resets()
	token := open(d, resets, evening, issue(d, resets, evening, onetime.Order{Subject: "42"}))
	weak := errors.New("the new password is too weak")
	gone, cancel := context.WithCancel(t.Context())
	cancel() // outside the transaction it would wait for itself
	err := backend.Together(t.Context(), func(tx store.Set) error {
		d.wants(resets.On(tx.OneTimes).Take(gone, evening, token, 0), nil)
		return weak
	})
	d.wants(err, weak)
	d.wants(resets.Take(t.Context(), evening, token, 0), nil)
}

func TestConfigSaysEverythingThatIsWrong(t *testing.T) {
	_, err := onetime.New[onetime.Reset](onetime.Config{Lifetime: 8 * 24 * time.Hour, Limit: -1})
	if !errors.Is(err, onetime.ErrConfig) {
		t.Fatal(err)
	}
	for _, part := range []string{"no Issuer", "no Signer", "no Keys", "no Store", "at most a week", "Limit"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not said in %v", part, err)
		}
	}
	d := newDesk(t)
	d.cfg.Lifetime = time.Millisecond
	if _, err := onetime.New[onetime.Reset](d.cfg); !errors.Is(err, onetime.ErrConfig) {
		t.Error("a lifetime of a millisecond")
	}
	if _, err := d.resetsOfOneKind().Issue(t.Context(), evening, onetime.Order{Subject: "42"}); !errors.Is(err, jwt.ErrKind) {
		t.Errorf("a signer of another kind: %v", err)
	}
}

func (d *desk) resetsOfOneKind() *onetime.Tokens[onetime.Reset] {
	d.cfg.Lifetime = 0
	d.cfg.Signer = jwt.NewSigner(func(time.Time) (*jwt.PrivateKey, error) { return d.key, nil }, onetime.KindLogin)
	return d.resets()
}
