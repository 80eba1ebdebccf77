package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jotkeeper/jotkeeper/session"
	"github.com/spf13/cobra"
)

func (p *program) sessionCommand() *cobra.Command {
	return p.group("session", "list, end or explain sessions",
		"Looks at the sessions in the database, ends them. A running server follows within a second, and every\n"+
			"service that follows its rules refuses the ended session's tokens.",
		"  jotkeeper session list ada\n  jotkeeper session end OF_uJjB8oJs89vrgLEZEAg\n  jotkeeper session explain OF_uJjB8oJs89vrgLEZEAg",
		p.sessionListCommand(), p.sessionEndCommand(), p.sessionExplainCommand())
}

// storeCommand is a command that opens the store, does one thing, leaves.
func (p *program) storeCommand(c *cobra.Command, do func(context.Context, *house, []string) error) *cobra.Command {
	c.RunE = func(c *cobra.Command, args []string) error {
		h, err := p.openBeside(c.Context())
		if err != nil {
			return err
		}
		err = do(c.Context(), h, args)
		return errors.Join(h.set.storeFault(err), h.close())
	}
	p.settingFlags(c, storeOption)
	return exits(c, exitOK, exitOther, exitUsage, exitOutside, exitConfig)
}

// A sessionJSON is one session as the commands write it: what GET /sessions
// says, with what only an operator sees.
type sessionJSON struct {
	ID        string          `json:"sid"`
	Account   string          `json:"account"`
	State     session.State   `json:"state"`
	EndReason string          `json:"end_reason,omitempty"`
	CreatedAt time.Time       `json:"created_at"`
	SeenAt    time.Time       `json:"seen_at"`
	ExpiresAt time.Time       `json:"expires_at"`
	Methods   []string        `json:"amr"`
	Audience  string          `json:"audience"`
	Agent     string          `json:"agent"`
	Address   string          `json:"address"`
	Events    []session.Event `json:"events,omitempty"`
}

func sessionOf(r session.Row) sessionJSON {
	expires := r.Idle
	if r.Absolute.Before(expires) {
		expires = r.Absolute
	}
	return sessionJSON{ID: r.ID, Account: r.Account, State: r.State, EndReason: r.EndReason, CreatedAt: r.CreatedAt,
		SeenAt: r.SeenAt, ExpiresAt: expires, Methods: r.Methods, Audience: r.Audience, Agent: r.Agent, Address: r.Address}
}

func (p *program) sessionListCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "list ACCOUNT", Short: "list the live sessions of an account", Args: takes(1, 1),
		Long:    "Lists the live sessions of an account, newest login first. ACCOUNT is its number or its username.",
		Example: "  jotkeeper session list ada\n  jotkeeper session list 42 -o json",
	}
	p.outputFlag(c)
	return p.storeCommand(c, func(ctx context.Context, h *house, args []string) error {
		id, err := h.accountID(ctx, args[0])
		if err != nil {
			return err
		}
		now := time.Now()
		rows, err := h.sessions.List(ctx, now, id)
		if err != nil {
			return err
		}
		return p.writeSessions(rows, now)
	})
}

func (p *program) writeSessions(rows []session.Row, now time.Time) error {
	all := []sessionJSON{}
	table := [][]string{{"SID", "LOGIN", "SEEN", "EXPIRES", "AUDIENCE", "FROM", "AGENT"}}
	for _, r := range rows {
		s := sessionOf(r)
		all = append(all, s)
		table = append(table, []string{s.ID, away(now, s.CreatedAt), seen(now, s.SeenAt), away(now, s.ExpiresAt), s.Audience, s.Address, printable(s.Agent)})
	}
	if p.json() {
		return p.writeJSON(all)
	}
	if len(rows) == 0 {
		p.say("no live session")
		return nil
	}
	p.table(table...)
	return nil
}

// seen says when a session was used last. The rooms tell whole hours only: a
// finer clock would tell a thief when its owner is away.
func seen(now, hour time.Time) string {
	switch d := now.Sub(hour); {
	case d < time.Hour:
		return "this hour"
	case d < 2*day:
		return fmt.Sprintf("%d h ago", d/time.Hour)
	default:
		return fmt.Sprintf("%d d ago", d/day)
	}
}

func (p *program) sessionEndCommand() *cobra.Command {
	var all string
	var reason string
	c := &cobra.Command{
		Use: "end [SID …]", Short: "end sessions", Args: takes(0, -1),
		Long: "Ends sessions: their refresh tokens are worth nothing from now on, their access tokens are refused by\n" +
			"a running server within a second, elsewhere as soon as its rules are followed. --all ends every session\n" +
			"of an account, logins under way too.",
		Example: "  jotkeeper session end OF_uJjB8oJs89vrgLEZEAg\n  jotkeeper session end --all ada",
	}
	c.Flags().StringVar(&all, "all", "", "every session of this account (number or username)")
	c.Flags().StringVar(&reason, "reason", "operator", "one word that tells why, kept with the session")
	p.outputFlag(c)
	return p.storeCommand(c, func(ctx context.Context, h *house, args []string) error {
		if (all == "") == (len(args) == 0) {
			f := usage("session end: name sessions, or the account of --all")
			f.Try = []string{"jotkeeper session list ACCOUNT"}
			return f
		}
		if all != "" {
			return p.endAll(ctx, h, all, reason)
		}
		return p.endThese(ctx, h, args, reason)
	})
}

func (p *program) endAll(ctx context.Context, h *house, who, reason string) error {
	id, err := h.accountID(ctx, who)
	if err != nil {
		return err
	}
	ended, _, err := h.sessions.EndAll(ctx, time.Now(), id, reason, "")
	if err != nil {
		return err
	}
	return p.saidEnded(ended)
}

func (p *program) endThese(ctx context.Context, h *house, sids []string, reason string) error {
	for _, sid := range sids {
		row, err := h.sessions.Find(ctx, sid)
		if err == nil {
			err = h.sessions.End(ctx, time.Now(), row.Account, sid, reason, "")
		}
		if errors.Is(err, session.ErrNotFound) {
			return fail(exitOther, "no live session "+strconv.Quote(sid), "jotkeeper session list ACCOUNT")
		}
		if err != nil {
			return err
		}
	}
	return p.saidEnded(len(sids))
}

func (p *program) saidEnded(n int) error {
	if p.json() {
		return p.writeJSON(map[string]int{"ended": n})
	}
	p.say("ended %s", plural(n, "session"))
	return nil
}

func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.Itoa(n) + " " + thing + "s"
}

func (p *program) sessionExplainCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "explain SID", Short: "tell the life of a session", Args: takes(1, 1),
		Long:    "Tells the life of one session, ended or not: when it began, each event of its ledger, why it ended.",
		Example: "  jotkeeper session explain OF_uJjB8oJs89vrgLEZEAg",
	}
	p.outputFlag(c)
	return p.storeCommand(c, func(ctx context.Context, h *house, args []string) error {
		row, err := h.sessions.Find(ctx, args[0])
		if errors.Is(err, session.ErrNotFound) {
			return fail(exitOther, "no session "+strconv.Quote(args[0]), "jotkeeper session list ACCOUNT")
		}
		if err != nil {
			return err
		}
		if p.json() {
			out := sessionOf(row)
			out.Events = row.Events
			return p.writeJSON(out)
		}
		text, err := h.sessions.Explain(ctx, args[0])
		if err == nil {
			fmt.Fprintln(p.stdout, strings.TrimRight(text, "\n"))
		}
		return err
	})
}
