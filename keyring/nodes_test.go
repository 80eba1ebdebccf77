package keyring_test

import (
	"context"
	"errors"
	"flag"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keyring"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

func TestMain(m *testing.M) {
	if inChild() {
		child()
		return
	}
	flag.Set("rapid.nofailfile", "true") // a failure is found again; files of a seeded bug would stay
	flag.Set("rapid.shrinktime", "5s")
	goleak.VerifyTestMain(m)
}

func TestElectionHasOneWinner(t *testing.T) {
	b := memory.New()
	defer b.Close()
	var wg sync.WaitGroup
	rings := make([]*keyring.Ring, 8)
	for i := range rings {
		wg.Go(func() {
			r, err := keyring.Open(t.Context(), noon, config(b.Set().Keys))
			if err != nil {
				t.Error(err)
			}
			rings[i] = r
		})
	}
	wg.Wait()
	want := published(rings[0])
	if len(want) != 2 {
		t.Fatalf("%d keys for eight nodes, want an active and a next one", len(want))
	}
	for _, r := range rings {
		tick(t, r, noon)
		if !slices.Equal(published(r), want) || signs(t, r, noon) != want[0] {
			t.Errorf("a node publishes %v, the first %v", published(r), want)
		}
	}
}

// A slow node is overtaken between its look at the store and its insertion.
type slow struct {
	keyring.Store
	overtaken func()
}

func (s *slow) Insert(ctx context.Context, r keyring.Record) error {
	s.overtaken()
	return s.Store.Insert(ctx, r)
}

// The loser of an election has made a key, too. It must never be seen.
func TestElectionLoserTakesTheWinnersKey(t *testing.T) {
	s := &shelf{}
	var winner *keyring.Ring
	loser := open(t, noon, config(&slow{s, sync.OnceFunc(func() { winner = open(t, noon, config(s)) })}))
	if got := states(t, loser, noon); got != "active next" {
		t.Errorf("calendar: %s", got)
	}
	if signs(t, loser, noon) != signs(t, winner, noon) || !slices.Equal(published(loser), published(winner)) {
		t.Error("the loser of the election goes its own way")
	}
}

// A node that slept, or was started, across the turn of the calendar signs with
// the same key as the others: no rotation is skipped.
func TestNodesAgreeAcrossTheTurn(t *testing.T) {
	s := &shelf{}
	awake, asleep := open(t, noon, config(s)), open(t, noon, config(s))
	turn := noon.Add(30 * day)
	for at := turn.Add(-time.Hour); !at.After(turn.Add(time.Hour)); at = at.Add(time.Minute) {
		tick(t, awake, at)
	}
	at := turn.Add(time.Hour)
	tick(t, asleep, at)
	booted := open(t, at, config(s))
	for name, r := range map[string]*keyring.Ring{"asleep": asleep, "booted": booted} {
		if signs(t, r, at) != signs(t, awake, at) || !slices.Equal(published(r), published(awake)) {
			t.Errorf("the node that was %s disagrees", name)
		}
	}

	late := &shelf{} // all nodes were off for two years
	first := open(t, noon, config(late))
	token := sign(t, first, noon)
	second := list(t, first, noon)[1].ID
	r := open(t, noon.Add(730*day), config(late))
	if got := signs(t, r, noon.Add(730*day)); got != second {
		t.Errorf("%s signs, not the key that was next", got)
	}
	if _, err := verifier(t, r).Verify(t.Context(), noon.Add(730*day), token); jwt.ReasonOf(err) != jwt.BadKey {
		t.Errorf("a token of two years ago, whose key is gone: %v", err)
	}
}

func TestSettingsMayChange(t *testing.T) {
	s := &shelf{}
	r := open(t, noon, config(s))
	kids := published(r)
	at := noon.Add(40 * time.Minute)
	token := sign(t, r, at)
	for name, change := range map[string]func(*keyring.Config){
		"shorter tokens":  func(c *keyring.Config) { c.TokenLife = time.Minute },
		"longer tokens":   func(c *keyring.Config) { c.TokenLife = 48 * time.Hour },
		"longer rotation": func(c *keyring.Config) { c.Rotation = 365 * day },
		"longer max-age":  func(c *keyring.Config) { c.MaxAge = time.Hour },
		"shorter max-age": func(c *keyring.Config) { c.MaxAge = time.Second },
		"quick rotation":  func(c *keyring.Config) { c.Rotation = 20 * time.Minute },
	} {
		copied := &shelf{records: slices.Clone(s.records)}
		cfg := config(copied)
		change(&cfg)
		again := open(t, at, cfg)
		if got := published(again); !slices.Equal(got[:2], kids) {
			t.Errorf("%s: the keys are %v, they were %v", name, got, kids)
		}
		if _, err := verifier(t, again).Verify(t.Context(), at, token); err != nil {
			t.Errorf("%s: a token from before: %v", name, err)
		}
	}
}

func TestShorterRotationHoldsAtOnceAndLongerTokensToo(t *testing.T) {
	s := &shelf{}
	open(t, noon, config(s))
	cfg := config(s)
	cfg.Rotation = 7 * day
	r := open(t, noon.Add(time.Hour), cfg)
	if l := list(t, r, noon); !l[1].SignsFrom.Equal(noon.Add(7 * day)) {
		t.Errorf("the next key signs from %s", l[1].SignsFrom)
	}
	turn := noon.Add(7 * day)
	tick(t, r, turn)
	before := list(t, r, turn)[0].GoneAt

	cfg.TokenLife = 24 * time.Hour // a node that was configured for longer ones all along
	tick(t, open(t, turn, cfg), turn)
	after := list(t, r, turn)[0].GoneAt
	if after.Sub(before) != 24*time.Hour-15*time.Minute {
		t.Errorf("the retired key goes at %s, before it was %s", after, before)
	}
	tick(t, r, turn.Add(time.Minute))
	if got := list(t, r, turn)[0].GoneAt; !got.Equal(after) {
		t.Errorf("a node with shorter tokens let it go at %s", got)
	}
}

func TestNewAlgorithmComesWithTheNextTurn(t *testing.T) {
	s := &shelf{}
	first := signs(t, open(t, noon, config(s)), noon)
	cfg := config(s)
	cfg.Algorithm = jwt.EdDSA
	r := open(t, noon.Add(time.Hour), cfg)
	if signs(t, r, noon.Add(time.Hour)) != first {
		t.Error("the active key changed")
	}
	turn := noon.Add(30 * day)
	tick(t, r, turn)
	token, err := verifier(t, r).Verify(t.Context(), turn, sign(t, r, turn))
	if err != nil || token.Algorithm() != jwt.EdDSA {
		t.Errorf("after the turn: %v, %v", token, err)
	}
	tick(t, r, turn.Add(time.Hour))
	if got := states(t, r, turn.Add(time.Hour)); got != "active next" {
		t.Errorf("calendar: %s", got)
	}
}

var errDown = errors.New("the store is down")

// What a node cannot know it does not sign, and does not let others rely on.
func TestNodeOutOfTouch(t *testing.T) {
	s := &shelf{}
	r := open(t, noon, config(s))
	old := sign(t, r, noon)
	s.before = func(string) error { return errDown }
	for _, c := range []struct {
		after  time.Duration
		maxAge time.Duration
		signs  bool
	}{
		{0, 5 * time.Minute, true},
		{5 * time.Minute, 5 * time.Minute, true},
		{6 * time.Minute, 4 * time.Minute, true},
		{10 * time.Minute, 0, true},
		{10*time.Minute + time.Second, 0, false},
		{time.Hour, 0, false},
	} {
		now := noon.Add(c.after)
		if err := r.Tick(t.Context(), now); !errors.Is(err, errDown) {
			t.Fatalf("Tick says %v", err)
		}
		if _, got := r.Publish(now); got != c.maxAge {
			t.Errorf("after %s the set is published for %s, want %s", c.after, got, c.maxAge)
		}
		_, err := trySign(r, now)
		if (err == nil) != c.signs || err != nil && jwt.ReasonOf(err) != jwt.Unavailable {
			t.Errorf("after %s signing says %v", c.after, err)
		}
	}
	if _, err := verifier(t, r).Verify(t.Context(), noon.Add(14*time.Minute), old); err != nil {
		t.Errorf("a node out of touch still verifies: %v", err)
	}
	if st := r.Stats(); st.Failures == 0 || !errors.Is(st.Err, errDown) || !st.ReadAt.Equal(noon) {
		t.Errorf("stats: %+v", st)
	}
	s.before = nil
	now := noon.Add(2 * time.Hour) // a signer catches up by itself, as after a suspend
	if got := s.counted(func() { sign(t, r, now) }); got != "keys" {
		t.Errorf("the first signature after the outage did: %s", got)
	}
	if _, got := r.Publish(now); got != 5*time.Minute {
		t.Errorf("after the outage the set is published for %s", got)
	}
}

func TestUnknownKeyReadsTheStoreOnceASecond(t *testing.T) {
	s := &shelf{}
	here, there := open(t, noon, config(s)), open(t, noon, config(s))
	if err := there.Rotate(t.Context(), noon, jwt.RS256); err != nil {
		t.Fatal(err)
	}
	now := noon.Add(16 * time.Minute)
	tick(t, there, now)
	raw := sign(t, there, now)
	v := verifier(t, here)
	if _, err := v.Verify(t.Context(), now, raw); err != nil {
		t.Errorf("a key that another node made: %v", err)
	}
	reasons := map[jwt.Reason]int{}
	got := s.counted(func() {
		for i := range 200 {
			reasons[jwt.ReasonOf(here.Missing(t.Context(), now.Add(time.Duration(i)*20*time.Millisecond), jwt.NewID()))]++
		}
	})
	if got != "keys, keys, keys" || reasons[jwt.BadKey] != 3 || reasons[jwt.Unavailable] != 197 {
		t.Errorf("a flood of four seconds did: %s, reasons %v", got, reasons)
	}
	s.before = func(string) error { return errDown }
	if err := here.Missing(t.Context(), now.Add(time.Minute), "k"); jwt.ReasonOf(err) != jwt.Unavailable || !errors.Is(err, errDown) {
		t.Errorf("with the store down: %v", err)
	}
}

func TestRunTicksUntilItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		cfg := config(s)
		cfg.MaxAge, cfg.Rotation = time.Second, 5*time.Second
		r := open(t, time.Now(), cfg)
		done := make(chan struct{})
		ctx, cancel := contextWithCancel(t)
		go func() { r.Run(ctx); close(done) }()
		got := s.counted(func() { <-time.After(4*time.Second + time.Second/4) })
		if strings.Count(got, "keys") != 8 || strings.Count(got, ",") != 7 {
			t.Errorf("four quiet seconds did: %s", got)
		}
		seen := map[string]bool{}
		for range 60 {
			<-time.After(time.Second)
			seen[signs(t, r, time.Now())] = true
		}
		if len(seen) < 12 || len(seen) > 14 {
			t.Errorf("%d keys signed in a minute of five-second periods", len(seen))
		}
		cancel()
		<-done
	})
}

func TestSnapshotStaysWhileNothingChanges(t *testing.T) {
	r := open(t, noon, config(&shelf{}))
	before, _ := r.Snapshot(noon)
	tick(t, r, noon.Add(time.Hour))
	if after, _ := r.Snapshot(noon.Add(time.Hour)); after != before {
		t.Error("a tick with nothing due made another snapshot")
	}
	turn := noon.Add(30 * day)
	if after, _ := r.Snapshot(turn); after != before {
		t.Error("the turn alone changes who signs, not who verifies")
	}
	if n := testing.AllocsPerRun(100, func() { r.Snapshot(turn) }); n != 0 {
		t.Errorf("Snapshot allocates %v times", n)
	}
}
