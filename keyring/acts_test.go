package keyring_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keyring"
	"github.com/jotkeeper/jotkeeper/store"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

func TestRotateHandsOverWhenTheNextIsKnown(t *testing.T) {
	r := open(t, noon, config(&shelf{}))
	first, second := list(t, r, noon)[0].ID, list(t, r, noon)[1].ID
	now := noon.Add(time.Minute) // the next key is a minute old
	if err := r.Rotate(t.Context(), now, ""); err != nil {
		t.Fatal(err)
	}
	if signs(t, r, now) != first {
		t.Error("a key signs that verifiers have had a minute to fetch")
	}
	if from := list(t, r, now)[1].SignsFrom; !from.Equal(noon.Add(15 * time.Minute)) {
		t.Errorf("the next key signs from %s", from)
	}
	later := noon.Add(time.Hour)
	tick(t, r, later)
	if signs(t, r, later) != second {
		t.Error("the rotation did not happen")
	}
	if err := r.Rotate(t.Context(), noon.Add(5*time.Hour), ""); err != nil {
		t.Fatal(err)
	}
	if got := signs(t, r, noon.Add(5*time.Hour)); got == first || got == second {
		t.Error("a next key that was published for hours does not sign at once")
	}
	if got := states(t, r, noon.Add(5*time.Hour)); got != "retired active next" {
		t.Errorf("calendar: %s", got)
	}
}

func TestRotateToAnotherAlgorithm(t *testing.T) {
	s := &shelf{}
	r := open(t, noon, config(s))
	if err := r.Rotate(t.Context(), noon, jwt.RS256); err != nil {
		t.Fatal(err)
	}
	if err := r.Rotate(t.Context(), noon, jwt.RS256); err != nil || len(s.records) != 3 {
		t.Errorf("asked twice: %v, %d keys", err, len(s.records))
	}
	before, after := noon.Add(14*time.Minute), noon.Add(15*time.Minute+time.Second)
	tick(t, r, before)
	tick(t, r, after)
	v := verifier(t, r)
	for at, want := range map[time.Time]jwt.Algorithm{after: jwt.RS256} {
		token, err := v.Verify(t.Context(), at, sign(t, r, at))
		if err != nil || token.Algorithm() != want {
			t.Errorf("at %s: %v, %v", at, token, err)
		}
	}
	if err := r.Rotate(t.Context(), after, "none"); !errors.Is(err, jwt.ErrKey) {
		t.Errorf("alg none: %v", err)
	}
	if err := r.Rotate(t.Context(), after, jwt.HS256); !errors.Is(err, jwt.ErrKey) {
		t.Errorf("alg HS256: %v", err)
	}
}

func TestRetire(t *testing.T) {
	s := &shelf{}
	r := open(t, noon, config(s))
	first, second := list(t, r, noon)[0].ID, list(t, r, noon)[1].ID
	now := noon.Add(time.Hour)
	if err := r.Retire(t.Context(), now, second); err != nil {
		t.Fatal(err)
	}
	if got := states(t, r, now); got != "active retired next" || signs(t, r, now) != first {
		t.Errorf("after the next key retired: %s", got)
	}
	third := list(t, r, now)[2].ID
	now = noon.Add(2 * time.Hour)
	tick(t, r, now)
	token := sign(t, r, now)
	if err := r.Retire(t.Context(), now, first); err != nil {
		t.Fatal(err)
	}
	if signs(t, r, now) != third {
		t.Error("the active key was retired and signs")
	}
	if _, err := verifier(t, r).Verify(t.Context(), now, token); err != nil {
		t.Errorf("a token of a retired key: %v", err)
	}
	if got := s.counted(func() {
		if err := r.Retire(t.Context(), now, first); err != nil {
			t.Error(err)
		}
	}); got != "keys, keys" {
		t.Errorf("retired again: %s", got)
	}
	if err := r.Retire(t.Context(), now, "nobody"); !errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("an unknown key: %v", err)
	}
}

func TestA051CompromisedKeyIsDeadAtOnce(t *testing.T) {
	s := &shelf{}
	r, other := open(t, noon, config(s)), open(t, noon, config(s))
	now := noon.Add(day)
	tick(t, r, now)
	tick(t, other, now)
	old := sign(t, r, now)
	stolen, next := signs(t, r, now), list(t, r, now)[1].ID
	here, there := verifier(t, r), verifier(t, other)
	for _, v := range []*jwt.Verifier[jwt.Access]{here, there} { // remembered from now on
		if _, err := v.Verify(t.Context(), now, old); err != nil {
			t.Fatal(err)
		}
	}
	cached := r.Set() // what verifiers elsewhere have
	snap, _ := r.Snapshot(now)
	pointer := snap.Key(stolen)

	if err := r.Compromise(t.Context(), now, stolen); err != nil {
		t.Fatal(err)
	}
	if slices.Contains(published(r), stolen) {
		t.Error("the compromised key is in the set")
	}
	if !pointer.Withdrawn() {
		t.Error("who still holds the compromised key may go on using it")
	}
	if _, err := here.Verify(t.Context(), now, old); jwt.ReasonOf(err) != jwt.BadKey {
		t.Errorf("its token, verified before: %v", err)
	}
	fresh := sign(t, r, now)
	if signs(t, r, now) != next {
		t.Error("the next key does not sign at once")
	}
	if _, err := verifier(t, cached).Verify(t.Context(), now, fresh); err != nil {
		t.Errorf("a verifier that fetched before the compromise refuses the new key: %v", err)
	}
	if err := other.Reload(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	if _, err := there.Verify(t.Context(), now, old); jwt.ReasonOf(err) != jwt.BadKey {
		t.Errorf("on another node, after Reload: %v", err)
	}
	if signs(t, other, now) != next {
		t.Error("the other node signs with another key")
	}
	if got := states(t, r, now); got != "compromised active next" {
		t.Errorf("calendar: %s", got)
	}

	if got := s.counted(func() {
		if err := r.Compromise(t.Context(), now, stolen); err != nil {
			t.Error(err)
		}
	}); got != "keys, keys" {
		t.Errorf("said again: %s", got)
	}
	if err := r.Compromise(t.Context(), now, "nobody"); !errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("an unknown key: %v", err)
	}
	if err := r.Retire(t.Context(), now, stolen); err != nil || states(t, r, now) != "compromised active next" {
		t.Errorf("to retire it changed something: %v, %s", err, states(t, r, now))
	}
	for range 3 { // everything was stolen, one after another
		if err := r.Compromise(t.Context(), now, signs(t, r, now)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := verifier(t, r).Verify(t.Context(), now, sign(t, r, now)); err != nil {
		t.Errorf("after everything was stolen: %v", err)
	}
}

func TestCompromiseInATransaction(t *testing.T) {
	b := memory.New()
	defer b.Close()
	r := open(t, noon, config(b.Set().Keys))
	now := noon.Add(time.Hour)
	tick(t, r, now)
	stolen, next := list(t, r, now)[0].ID, list(t, r, now)[1].ID
	act := func(fail error) error {
		return b.Together(t.Context(), func(tx store.Set) error {
			if err := r.On(tx.Keys).Compromise(context.Background(), now, stolen); err != nil {
				return err
			}
			return fail
		})
	}
	if err := act(errDown); !errors.Is(err, errDown) {
		t.Fatal(err)
	}
	tick(t, r, now)
	if got := states(t, r, now); got != "active next" || signs(t, r, now) != stolen {
		t.Errorf("after a transaction that failed: %s", got)
	}
	if err := act(nil); err != nil {
		t.Fatal(err)
	}
	if err := r.Reload(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	if got := states(t, r, now); got != "compromised active" || signs(t, r, now) != next {
		t.Errorf("after the transaction: %s", got)
	}
	err := b.Together(t.Context(), func(tx store.Set) error { return r.On(tx.Keys).Rotate(t.Context(), now, "") })
	if !errors.Is(err, keyring.ErrNoNext) {
		t.Errorf("a transaction made a key: %v", err)
	}
	tick(t, r, now)
	if got := states(t, r, now); got != "compromised active next" {
		t.Errorf("after the tick that follows: %s", got)
	}
}

func TestPublishedKeysStayBelowWhatVerifiersRead(t *testing.T) {
	cfg := config(&shelf{})
	cfg.Rotation, cfg.MaxAge, cfg.TokenLife = 4*time.Second, time.Second, time.Hour
	r := open(t, noon, cfg)
	most, now := 0, noon
	for range 2000 {
		now = now.Add(time.Second)
		tick(t, r, now)
		most = max(most, len(published(r)))
		if _, err := verifier(t, r).Verify(t.Context(), now, sign(t, r, now)); err != nil {
			t.Fatal(err)
		}
	}
	if most != 48 {
		t.Errorf("at most %d keys are published, want 48", most)
	}
	if err := r.Rotate(t.Context(), now, ""); !errors.Is(err, keyring.ErrTooMany) {
		t.Errorf("one more: %v", err)
	}
}

func TestCalendarReadsLikeASentence(t *testing.T) {
	r := open(t, noon, config(&shelf{}))
	turn := noon.Add(30 * day)
	tick(t, r, turn)
	if err := r.Compromise(t.Context(), turn.Add(day), list(t, r, turn)[1].ID); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"signed until 11 Jun 2026 12:00 UTC, verifies until 11 Jun 2026 12:26 UTC",
		"refused since 12 Jun 2026 12:00 UTC",
		"signs since 12 Jun 2026 12:00 UTC, hands over on 12 Jul 2026 12:00 UTC",
		"published since 12 Jun 2026 12:00 UTC, signs from 12 Jul 2026 12:00 UTC",
	}
	var got []string
	for _, i := range list(t, r, turn.Add(time.Hour)) {
		got = append(got, i.Calendar())
	}
	// The first one is past its time at the compromise, and swept.
	if !slices.Equal(got, want[1:]) {
		t.Errorf("got %q", got)
	}
	if got := list(t, open(t, noon, config(&shelf{})), turn.Add(time.Minute))[0].Calendar(); got != "signed until 11 Jun 2026 12:00 UTC" {
		t.Errorf("superseded by the clock alone: %s", got)
	}
}

// A command opens the ring with its own settings, or none. What it was not asked
// to do it leaves alone.
func TestVisitorLeavesTheCalendarAlone(t *testing.T) {
	s := &shelf{}
	cfg := config(s)
	cfg.Algorithm, cfg.Rotation = jwt.EdDSA, 90*day
	server := open(t, noon, cfg)
	visit := config(s)
	visit.Visitor = true // else ES256 and 30 days
	turn := noon.Add(90 * day)
	var v *keyring.Ring
	if got := s.counted(func() {
		v = open(t, turn, visit)
		tick(t, v, turn.Add(time.Hour))
	}); got != "keys, keys" {
		t.Errorf("a visitor did: %s", got)
	}
	tick(t, server, turn)
	stolen, next := list(t, v, turn)[1].ID, list(t, v, turn)[2].ID
	if got := s.counted(func() {
		if err := v.Compromise(t.Context(), turn, stolen); err != nil {
			t.Fatal(err)
		}
	}); got != "keys, swap compromised, keys, swap active, keys" {
		t.Errorf("a compromise did: %s", got)
	}
	if signs(t, v, turn) != next {
		t.Error("the next key does not sign")
	}
	if err := v.Compromise(t.Context(), turn, next); err != nil {
		t.Fatal(err)
	}
	if err := v.Rotate(t.Context(), turn, ""); err != nil {
		t.Fatal(err)
	}
	for _, i := range list(t, v, turn) {
		if i.Algorithm != jwt.EdDSA {
			t.Errorf("a visitor made a key for %s", i.Algorithm)
		}
	}
}
