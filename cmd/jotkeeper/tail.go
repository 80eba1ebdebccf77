package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// logPage is how many rules are read at once.
const logPage = 1000

// A tail prints rules as they come, each once.
type tail struct {
	p     *program
	since string
	count int
	at    remoteFeed

	last    revocation.Cursor // of the last rule that was printed, or is behind
	given   bool              // --since says where it begins
	printed int
	failed  error
	stop    context.CancelFunc
}

func (p *program) tailCommand() *cobra.Command {
	t := &tail{p: p}
	c := &cobra.Command{
		Use: "tail", Short: "print rules as they come", Args: takes(0, 0),
		Long: "Prints a line for each rule that is added from now on, until Ctrl-C. --since begins at a cursor, such as\n" +
			"1:0, with the rules after it that are still kept. With -o json each line is an object.",
		Example: "  jotkeeper revocation tail\n  jotkeeper revocation tail --since 1:0 --count 10 -o json\n" +
			"  jotkeeper revocation tail --url https://id.example.com --token-file feed-token",
	}
	c.Flags().StringVar(&t.since, "since", "", "begin after this cursor, epoch:number (default with what comes next)")
	c.Flags().IntVar(&t.count, "count", 0, "end after so many rules (default never)")
	t.at.flags(c)
	p.outputFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error { return t.run(c.Context()) }
	p.settingFlags(c, storeOption)
	return exits(c, exitOK, exitUsage, exitOutside, exitConfig)
}

func (t *tail) run(ctx context.Context) (err error) {
	if t.given = t.since != ""; t.given {
		if t.last, err = revocation.ParseCursor(t.since); err != nil {
			return usage("--since %q is no cursor; want epoch:number, such as 1:42", t.since)
		}
	}
	if t.count < 0 {
		return usage("--count %d: want 1 or more", t.count)
	}
	ctx, end := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer end()
	ctx, t.stop = context.WithCancel(ctx)
	defer t.stop()
	if t.at.named() {
		return t.there(ctx)
	}
	s, err := t.p.loadBeside()
	if err != nil {
		return err
	}
	h, err := s.openStore(ctx)
	if err != nil {
		return err
	}
	err = t.here(ctx, h.backend.Set().Revocations)
	return errors.Join(s.storeFault(err), h.close())
}

// print writes the rules that were not seen yet.
func (t *tail) print(entries []revocation.Entry) {
	for _, e := range entries {
		if !t.last.Before(e.Cursor) || t.failed != nil || t.count > 0 && t.printed == t.count {
			continue
		}
		t.last = e.Cursor
		t.failed = t.line(ruleOf(e))
		t.printed++
	}
	if t.failed != nil || t.count > 0 && t.printed == t.count {
		t.stop()
	}
}

func (t *tail) line(r ruleJSON) error {
	if !t.p.json() {
		_, err := fmt.Fprintln(t.p.stdout, r.line())
		return err
	}
	e := json.NewEncoder(t.p.stdout)
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// here reads the log itself. Wait is a hint, so it is asked again each second.
func (t *tail) here(ctx context.Context, log revocation.Source) (err error) {
	after := t.last
	if !t.given {
		if after, err = log.Head(ctx); err != nil {
			return err
		}
		t.last = after
	}
	for ctx.Err() == nil {
		entries, err := log.Read(ctx, after, logPage)
		if errors.Is(err, revocation.ErrSnapshotRequired) && after != (revocation.Cursor{}) {
			t.p.say("the log does not go on from %s, what it keeps after it follows", after)
			after = revocation.Cursor{} // another epoch, say
			continue
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
		t.print(entries)
		if len(entries) > 0 {
			after = entries[len(entries)-1].Cursor
		}
		if len(entries) < logPage {
			pause, cancel := context.WithTimeout(ctx, time.Second)
			_ = log.Wait(pause, after)
			cancel()
		}
	}
	return t.failed
}

// there follows a feed as a service does.
func (t *tail) there(ctx context.Context) error {
	cfg, err := t.at.config(t.p)
	if err != nil {
		return err
	}
	origin, err := t.at.origin(t.p)
	if err != nil {
		return err
	}
	head, _, err := origin.Followers(ctx) // a wrong URL or credential is said at once
	if err != nil {
		return t.at.fault(err)
	}
	index := revocation.NewIndex(cfg.Issuer)
	index.Reached(t.last)
	if !t.given {
		t.last = head // a snapshot may be older, or younger
	}
	client, err := feed.NewClient(feed.ClientConfig{
		Issuer: cfg.Issuer, URL: cfg.URL, Token: cfg.Token, Index: index,
		Told: func(entries []revocation.Entry, _ bool) { t.print(entries) },
	})
	if err != nil {
		return t.at.fault(err)
	}
	said := make(chan struct{})
	go func() { defer close(said); t.complain(ctx, client) }()
	_ = client.Follow(ctx)
	<-said
	return t.failed
}

// complain says on stderr why nothing comes, once for each trouble.
func (t *tail) complain(ctx context.Context, client *feed.Client) {
	last := ""
	each(ctx, time.Second, func(time.Time) error {
		if now := client.Stats().Trouble; now != last {
			if last = now; now != "" {
				t.p.say("not following at the moment, trying again: %s", printable(now))
			}
		}
		return nil
	}, func(error) {})
}
