package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keyring"
	"github.com/spf13/cobra"
)

func (p *program) keyCommand() *cobra.Command {
	return p.group("key", "list, rotate, retire or compromise signing keys",
		"Looks at the signing keys, moves them through their calendar: next (published, not signing yet), active\n"+
			"(signing), retired (verifies until its last token has expired), gone. A running server follows within a\n"+
			"second.",
		"  jotkeeper key list\n  jotkeeper key rotate\n  jotkeeper key compromise KID",
		p.keyListCommand(),
		p.keyActCommand("rotate", "hand over to the next key",
			"Hands over to the next key as soon as every verifier can know it: at once when it has been published for\n"+
				"long enough, else when it will have. With --alg the next key is of that algorithm.",
			"  jotkeeper key rotate\n  jotkeeper key rotate --alg RS256"),
		p.keyActCommand("retire", "end a key's time of signing",
			"Ends a key's time of signing. It verifies until its last token has expired, so nobody is logged out.",
			"  jotkeeper key retire KID"),
		p.keyActCommand("compromise", "take a key out of use at once",
			"Takes a key out of the published set at once, for good: every token that it signed is refused, by a rule\n"+
				"too for those who still hold the old set. Sessions go on: clients refresh onto the next key.",
			"  jotkeeper key compromise KID"))
}

func (p *program) keyListCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "list", Short: "list the signing keys with their calendar", Args: takes(0, 0),
		Long:    "Lists the signing keys, oldest first, with what happens to each when.",
		Example: "  jotkeeper key list\n  jotkeeper key list -o json",
	}
	p.outputFlag(c)
	return p.storeCommand(c, func(ctx context.Context, h *house, _ []string) error {
		return p.writeKeys(ctx, h)
	})
}

func (p *program) writeKeys(ctx context.Context, h *house) error {
	keys, err := h.keys.List(ctx, time.Now())
	if err != nil {
		return err
	}
	if p.json() {
		return p.writeJSON(keys)
	}
	rows := [][]string{{"KID", "ALG", "STATE", "CALENDAR"}}
	for _, k := range keys {
		rows = append(rows, []string{k.ID, string(k.Algorithm), string(k.State), k.Calendar()})
	}
	p.table(rows...)
	return nil
}

// keyActCommand is a command that changes the calendar, then shows it.
func (p *program) keyActCommand(verb, short, long, example string) *cobra.Command {
	c := &cobra.Command{Use: verb + " KID", Short: short, Long: long, Example: example, Args: takes(1, 1)}
	var alg string
	if verb == "rotate" {
		c.Use, c.Args = verb, takes(0, 0)
		c.Flags().Var(choiceValue{&alg, []string{"ES256", "ES384", "EdDSA", "RS256", "PS256"}}, "alg", "algorithm of the next key")
	}
	p.outputFlag(c)
	return p.storeCommand(c, func(ctx context.Context, h *house, args []string) error {
		if err := h.keyAct(ctx, verb, jwt.Algorithm(alg), args); err != nil {
			return keyFault(err, args)
		}
		return p.writeKeys(ctx, h)
	})
}

func keyFault(err error, args []string) error {
	switch {
	case errors.Is(err, keyring.ErrNotFound):
		return fail(exitOther, "no signing key "+strconv.Quote(args[0]), "jotkeeper key list")
	case errors.Is(err, keyring.ErrTooMany):
		return fail(exitOther, "too many keys are published already", "wait until one is gone: jotkeeper key list")
	}
	return err
}

func (h *house) keyAct(ctx context.Context, verb string, alg jwt.Algorithm, args []string) error {
	now := time.Now()
	switch verb {
	case "rotate":
		return h.keys.Rotate(ctx, now, alg)
	case "retire":
		return h.keys.Retire(ctx, now, args[0])
	}
	return h.acts.CompromiseKey(ctx, now, args[0])
}
