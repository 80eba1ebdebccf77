package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// A statsJSON is what a log holds, and who follows it.
type statsJSON struct {
	Epoch     uint64         `json:"epoch"`
	Head      string         `json:"head"`
	Kept      int            `json:"kept"`
	Over      int            `json:"over"`      // kept, and in force no more
	Compacted uint64         `json:"compacted"` // numbers of this epoch whose rules are gone
	Oldest    *ruleJSON      `json:"oldest,omitempty"`
	Rules     []countJSON    `json:"rules"`
	Followers []followerJSON `json:"followers,omitempty"`
}

type countJSON struct {
	Scope  string `json:"scope"`
	Action string `json:"action"`
	Count  int    `json:"count"`
}

type followerJSON struct {
	Credential string `json:"credential"`
	Connected  bool   `json:"connected"`
	Acked      string `json:"acked,omitempty"`
	Seen       int64  `json:"seen_ms"`
}

func (p *program) statsCommand() *cobra.Command {
	var at remoteFeed
	c := &cobra.Command{
		Use: "stats", Short: "count the rules, and who follows them", Args: takes(0, 0),
		Long: "Counts the rules by what they are about and what they do, with the epoch, the head, the oldest rule that is\n" +
			"kept and how many are forgotten since they are over. With --url also who follows, the furthest behind first.",
		Example: "  jotkeeper revocation stats\n  jotkeeper revocation stats --url https://id.example.com --token-file feed-token -o json",
	}
	at.flags(c)
	p.outputFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		now := time.Now()
		var s statsJSON
		var err error
		if at.named() {
			s, err = p.statsThere(c.Context(), now, at)
		} else {
			s, err = p.statsHere(c.Context(), now)
		}
		if err != nil {
			return err
		}
		return p.writeStats(s, now)
	}
	p.settingFlags(c, storeOption)
	return exits(c, exitOK, exitUsage, exitOutside, exitConfig)
}

func (p *program) statsHere(ctx context.Context, now time.Time) (statsJSON, error) {
	s, err := p.loadBeside()
	if err != nil {
		return statsJSON{}, err
	}
	h, err := s.openStore(ctx)
	if err != nil {
		return statsJSON{}, err
	}
	log := h.backend.Set().Revocations
	var t tally
	head, err := log.Head(ctx)
	for after, full := (revocation.Cursor{}), err == nil; full; {
		var entries []revocation.Entry
		if entries, err = log.Read(ctx, after, logPage); err != nil {
			break
		}
		t.add(now, entries)
		if full = len(entries) == logPage; full {
			after = entries[logPage-1].Cursor
		}
	}
	return t.stats(head), errors.Join(s.storeFault(err), h.close())
}

// statsThere follows the feed until it has heard everything once.
func (p *program) statsThere(ctx context.Context, now time.Time, at remoteFeed) (statsJSON, error) {
	origin, err := at.origin(p)
	if err != nil {
		return statsJSON{}, err
	}
	_, followers, err := origin.Followers(ctx)
	if err != nil {
		return statsJSON{}, at.fault(err)
	}
	t, head, err := at.everything(ctx, p, now)
	if err != nil {
		return statsJSON{}, err
	}
	s := t.stats(head)
	s.Followers = []followerJSON{}
	for _, f := range followers {
		one := followerJSON{Credential: f.Credential, Connected: f.Connected, Seen: f.Seen.Milliseconds()}
		if f.Acked != (revocation.Cursor{}) {
			one.Acked = f.Acked.String()
		}
		s.Followers = append(s.Followers, one)
	}
	return s, nil
}

// statsPatience is how long a feed may take to tell everything.
const statsPatience = 30 * time.Second

func (e *remoteFeed) everything(ctx context.Context, p *program, now time.Time) (t tally, head revocation.Cursor, err error) {
	cfg, err := e.config(p)
	if err != nil {
		return t, head, err
	}
	ctx, cancel := context.WithTimeout(ctx, statsPatience)
	defer cancel()
	index := revocation.NewIndex(cfg.Issuer)
	client, err := feed.NewClient(feed.ClientConfig{Issuer: cfg.Issuer, URL: cfg.URL, Token: cfg.Token, Index: index,
		Told: func(entries []revocation.Entry, _ bool) { t.add(now, entries) }})
	if err != nil {
		return t, head, e.fault(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = client.Follow(ctx) }()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for index.Stale(time.Now()) && ctx.Err() == nil {
		<-look.C
	}
	late := ctx.Err() != nil
	cancel()
	<-done
	if late {
		return t, head, &fault{Code: exitOutside, Text: e.url + " does not tell its rules: " + printable(client.Stats().Trouble),
			Try: []string{"a credential of jotkeeper feed token --for follow"}}
	}
	return t, index.Cursor(), nil
}

// A tally counts rules.
type tally struct {
	kept, over int
	oldest     *ruleJSON
	counts     map[countJSON]int
}

func (t *tally) add(now time.Time, entries []revocation.Entry) {
	for _, e := range entries {
		t.kept++
		if t.oldest == nil {
			first := ruleOf(e)
			t.oldest = &first
		}
		if r := e.Rule; !r.Until.IsZero() && now.After(r.Until) {
			t.over++
			continue
		}
		if t.counts == nil {
			t.counts = map[countJSON]int{}
		}
		t.counts[countJSON{Scope: string(e.Rule.Scope), Action: e.Rule.Action.String()}]++
	}
}

func (t *tally) stats(head revocation.Cursor) statsJSON {
	s := statsJSON{Epoch: head.Epoch, Head: head.String(), Kept: t.kept, Over: t.over, Oldest: t.oldest, Rules: []countJSON{}}
	s.Compacted = head.Seq - min(head.Seq, uint64(t.kept))
	for c, n := range maps.All(t.counts) {
		c.Count = n
		s.Rules = append(s.Rules, c)
	}
	slices.SortFunc(s.Rules, func(a, b countJSON) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.Action, b.Action))
	})
	return s
}

func (p *program) writeStats(s statsJSON, now time.Time) error {
	if p.json() {
		return p.writeJSON(s)
	}
	oldest := "none"
	if s.Oldest != nil {
		oldest = s.Oldest.Cursor + ", " + when(now, s.Oldest.At)
	}
	p.table([]string{"epoch", strconv.FormatUint(s.Epoch, 10)}, []string{"head", s.Head},
		[]string{"kept", fmt.Sprintf("%s, %d of them over", plural(s.Kept, "rule"), s.Over)},
		[]string{"forgotten", strconv.FormatUint(s.Compacted, 10)}, []string{"oldest", oldest})
	rules := [][]string{{"SCOPE", "ACTION", "RULES"}}
	for _, c := range s.Rules {
		rules = append(rules, []string{c.Scope, c.Action, strconv.Itoa(c.Count)})
	}
	p.tableIfAny(rules)
	followers := [][]string{{"CREDENTIAL", "STATE", "ACKED", "SEEN"}}
	for _, f := range s.Followers {
		state := map[bool]string{true: "connected", false: "absent"}[f.Connected]
		followers = append(followers, []string{printable(f.Credential), state, cmp.Or(f.Acked, "-"), away(now, now.Add(-time.Duration(f.Seen)*time.Millisecond))})
	}
	p.tableIfAny(followers)
	return nil
}

// tableIfAny writes a table below another, unless it is only a heading.
func (p *program) tableIfAny(rows [][]string) {
	if len(rows) > 1 {
		fmt.Fprintln(p.stdout)
		p.table(rows...)
	}
}
