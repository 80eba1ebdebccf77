package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/jotkeeper/jotkeeper/revocation"
)

func (p *program) revocationCommand() *cobra.Command {
	return p.group("revocation", "watch, add or count revocation rules",
		"Looks at the rules that refuse tokens, and adds to them: in the database on this machine, or with --url and\n"+
			"a credential of jotkeeper feed token at a server elsewhere.",
		"  jotkeeper revocation tail\n  jotkeeper revocation push sub 42 --reason left\n  jotkeeper revocation stats",
		p.tailCommand(), p.pushCommand(), p.statsCommand())
}

// A ruleJSON is a rule as the commands write it.
type ruleJSON struct {
	Cursor string    `json:"cursor"`
	Scope  string    `json:"scope"`
	ID     string    `json:"id"`
	Action string    `json:"action"`
	At     time.Time `json:"at,omitzero"`
	From   time.Time `json:"from,omitzero"`
	Until  time.Time `json:"until,omitzero"`
	Reason string    `json:"reason,omitempty"`
}

func ruleOf(e revocation.Entry) ruleJSON {
	r := e.Rule
	return ruleJSON{e.Cursor.String(), string(r.Scope), r.ID, r.Action.String(), e.At.UTC(), r.From.UTC(), r.Until.UTC(), r.Reason}
}

// line is one rule on one line, whatever stands in it (A179).
func (r ruleJSON) line() string {
	at := "-"
	if !r.At.IsZero() {
		at = r.At.Format("2006-01-02 15:04:05Z")
	}
	words := []string{r.Cursor, at, r.Action, r.Scope, printable(r.ID)}
	if !r.From.IsZero() {
		words = append(words, "from "+r.From.Format(time.RFC3339))
	}
	if !r.Until.IsZero() {
		words = append(words, "until "+r.Until.Format(time.RFC3339))
	}
	if r.Reason != "" {
		words = append(words, "("+printable(r.Reason)+")")
	}
	return strings.Join(words, "  ")
}

// A push is what the command line says of a rule.
type push struct {
	action, reason, from, until string
	wait                        string
	at                          remoteFeed
}

func (p *program) pushCommand() *cobra.Command {
	var o push
	c := &cobra.Command{
		Use: "push SCOPE ID", Short: "add a rule, and what it revokes ends", Args: takes(2, 2),
		Long: "Adds a rule. SCOPE is jti (a token), sid (a session), sub (an account), tid (a tenant), kid (a signing key)\n" +
			"or iss (the issuer: everything signed so far). What it revokes at once also ends: the session, the sessions\n" +
			"of the account; the key signs no more.\n\n" +
			"With --url the rule is added by the server there; the receipt tells how many of the services that follow it\n" +
			"have the rule in force. With --wait it is shown when all have, or with exit code 1 when the time is over\n" +
			"before: then the rule is in the log, and not every service has said that it refuses.",
		Example: "  jotkeeper revocation push sub 42 --reason left\n  jotkeeper revocation push sid OF_uJjB8oJs89vrgLEZEAg --until 1h\n" +
			"  jotkeeper revocation push sub 42 --url https://id.example.com --token-file feed-token-append --wait 5s",
	}
	c.Flags().StringVar(&o.action, "action", "revoke", "revoke, or rotate: to be renewed at the next sight")
	c.Flags().StringVar(&o.reason, "reason", "operator", "why, kept with the rule")
	c.Flags().StringVar(&o.from, "from", "", "in force from then, RFC 3339, or in so long (default at once)")
	c.Flags().StringVar(&o.until, "until", "", "in force until then, RFC 3339, or for so long (default while a token can live that it matches)")
	c.Flags().StringVar(&o.wait, "wait", "", "with --url: wait so long for the services that follow, 25s at most")
	o.at.flags(c)
	p.outputFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		r, err := o.rule(time.Now(), args[0], args[1])
		if err != nil {
			return err
		}
		if o.at.named() {
			return p.pushThere(c.Context(), o, r)
		}
		if o.wait != "" {
			return usage("--wait belongs to --url: the server there knows who follows")
		}
		return p.pushHere(c.Context(), r)
	}
	p.settingFlags(c, storeOption)
	return exits(c, exitOK, exitOther, exitUsage, exitOutside, exitConfig)
}

// rule reads what was typed.
func (o push) rule(now time.Time, scope, id string) (r revocation.Rule, err error) {
	r = revocation.Rule{Scope: revocation.Scope(scope), ID: id, Reason: o.reason}
	for _, a := range []revocation.Action{revocation.Revoke, revocation.Rotate} {
		if a.String() == o.action {
			r.Action = a
		}
	}
	if r.Action == revocation.None {
		return r, usage("--action %q: want revoke or rotate", o.action)
	}
	if r.From, err = moment(now, "from", o.from); err != nil {
		return r, err
	}
	if r.Until, err = moment(now, "until", o.until); err != nil {
		return r, err
	}
	if !r.Until.IsZero() && r.Until.Before(now) {
		return r, usage("--until %s is over", o.until)
	}
	return r, badRule(r.Validate())
}

// badRule tells what is wrong with a rule that was typed.
func badRule(err error) error {
	if err == nil || !errors.Is(err, revocation.ErrBadRule) {
		return err
	}
	text := strings.TrimPrefix(err.Error(), revocation.ErrBadRule.Error()+": ")
	return &fault{Code: exitUsage, Text: "revocation push: " + text, Try: []string{"jotkeeper revocation push sub 42"}, Err: err}
}

// moment reads a time, or a length of time from now.
func moment(now time.Time, flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	d, err := parseSpan(text)
	if err != nil || d <= 0 {
		return time.Time{}, usage("--%s %q: want a time such as 2026-05-01T20:00:00Z, or a length of time such as 1h", flag, text)
	}
	return now.Add(d), nil
}

// A receiptJSON is what a push tells. Only a server knows of followers.
type receiptJSON struct {
	Cursor    string `json:"cursor"`
	Seq       uint64 `json:"seq"`
	Connected *int   `json:"connected,omitempty"`
	Acked     *int   `json:"acked,omitempty"`
	Absent    *int   `json:"absent,omitempty"`
	Took      *int64 `json:"ms,omitempty"`
}

func (p *program) pushHere(ctx context.Context, r revocation.Rule) error {
	h, err := p.openBeside(ctx)
	if err != nil {
		return err
	}
	head, err := h.acts.Push(ctx, time.Now(), "", r)
	if err = errors.Join(h.set.storeFault(badRule(err)), h.close()); err != nil {
		return err
	}
	if p.json() {
		return p.writeJSON(receiptJSON{Cursor: head.String(), Seq: head.Seq})
	}
	p.say("added as %s; a running server refuses within a second, and tells those who follow it", head)
	return nil
}

func (p *program) pushThere(ctx context.Context, o push, r revocation.Rule) error {
	wait := time.Duration(0)
	if o.wait != "" {
		var err error
		if wait, err = parseSpan(o.wait); err != nil || wait < time.Second || wait > 25*time.Second {
			return usage("--wait %q: want 1s to 25s", o.wait)
		}
	}
	origin, err := o.at.origin(p)
	if err != nil {
		return err
	}
	got, err := origin.Push(ctx, wait, r)
	if err != nil {
		return o.at.fault(err)
	}
	ms := got.Took.Milliseconds()
	if p.json() {
		err = p.writeJSON(receiptJSON{got.Cursor.String(), got.Cursor.Seq, &got.Connected, &got.Acked, &got.Absent, &ms})
	} else {
		p.say("added as %s; %d of %d connected services refuse, %d absent, after %d ms", got.Cursor, got.Acked, got.Connected, got.Absent, ms)
	}
	if wait > 0 && !got.Complete() && err == nil {
		return fail(exitOther, "the rule is in the log, and not every service has said that it refuses", "jotkeeper revocation stats --url "+shellQuote(o.at.url)+" --token-file "+shellQuote(o.at.tokenFile))
	}
	return err
}
