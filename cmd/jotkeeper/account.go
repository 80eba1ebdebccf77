package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/internal/acts"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/spf13/cobra"
)

func (p *program) accountCommand() *cobra.Command {
	return p.group("account", "create, set, lock or unlock accounts",
		"Makes accounts, changes them. ACCOUNT is a number or a username. Passwords come from a file or from\n"+
			"stdin, never from an argument: arguments show in the process list.",
		"  jotkeeper account create ada --password-file ada.txt\n  jotkeeper account set ada --scope \"orders pay\"\n  jotkeeper account lock ada",
		p.accountCreateCommand(), p.accountSetCommand(),
		p.accountLockCommand("lock", "lock an account and end its sessions",
			"Locks an account: it can no longer log in, all its sessions end, their access tokens are refused by a\nrunning server within a second."),
		p.accountLockCommand("unlock", "let an account log in again",
			"Lets a locked account log in again. Its sessions stay over."))
}

// An accountJSON is one account as the commands write it. No password, not
// even its hash.
type accountJSON struct {
	ID        int64                      `json:"id"`
	Username  string                     `json:"username"`
	Locked    bool                       `json:"locked"`
	Scope     string                     `json:"scope"`
	Claims    map[string]json.RawMessage `json:"claims"`
	CreatedAt time.Time                  `json:"created_at"`
}

func (p *program) writeAccount(r account.Row) error {
	out := accountJSON{r.ID, r.Display, r.Locked, r.Scope, r.Claims, r.CreatedAt}
	if out.Claims == nil {
		out.Claims = map[string]json.RawMessage{}
	}
	if p.json() {
		return p.writeJSON(out)
	}
	state := "open"
	if r.Locked {
		state = "locked"
	}
	rows := [][]string{{"account", strconv.FormatInt(r.ID, 10)}, {"username", printable(r.Display)}, {"state", state}, {"scope", printable(dash(r.Scope))}}
	for _, name := range sortedNames(r.Claims) {
		rows = append(rows, []string{"claim", printable(name + "=" + string(r.Claims[name]))})
	}
	p.table(rows...)
	return nil
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func sortedNames(m map[string]json.RawMessage) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (p *program) accountCreateCommand() *cobra.Command {
	var file, scope string
	var claims []string
	c := &cobra.Command{
		Use: "create USERNAME", Short: "make an account", Args: takes(1, 1),
		Long:    "Makes an account with a password from a file or stdin (-), which nobody sees on the way.",
		Example: "  jotkeeper account create ada --password-file ada.txt\n  pwgen 20 1 | jotkeeper account create ada --password-file - -o json",
	}
	c.Flags().StringVar(&file, "password-file", "", "file that holds the password; - is stdin")
	c.Flags().StringVar(&scope, "scope", "", "rights of its tokens, with spaces between them")
	c.Flags().StringArrayVar(&claims, "claim", nil, "name=value for its tokens; value is JSON, else text")
	p.outputFlag(c)
	return p.storeCommand(c, func(ctx context.Context, h *house, args []string) error {
		password, err := p.password("account create", file)
		if err != nil {
			return err
		}
		change, err := rightsChange(c, scope, claims)
		if err != nil {
			return err
		}
		return p.createAccount(ctx, h, args[0], password, change)
	})
}

func (p *program) createAccount(ctx context.Context, h *house, username, password string, change acts.Change) error {
	now := time.Now()
	row, err := h.accounts.Prepare(ctx, now, username, password)
	if err == nil {
		row, err = h.accounts.Insert(ctx, row)
	}
	if err == nil && !change.Empty() {
		_, err = h.acts.ChangeAccount(ctx, now, row.ID, change)
	}
	if err != nil {
		return accountFault(err, username)
	}
	return p.showAccount(ctx, h, row.ID)
}

func (p *program) showAccount(ctx context.Context, h *house, id int64) error {
	row, err := h.accounts.Find(ctx, id)
	if err != nil {
		return err
	}
	return p.writeAccount(row)
}

// password reads one from a file or stdin. Its last line break is not part of it.
func (p *program) password(command, file string) (string, error) {
	var data []byte
	var err error
	switch file {
	case "":
		f := usage("%s: --password-file is not given", command)
		f.Try = []string{"--password-file FILE, or - for stdin"}
		return "", f
	case "-":
		data, err = io.ReadAll(io.LimitReader(p.stdin, 64<<10))
	default:
		data, err = os.ReadFile(file)
	}
	if err != nil {
		return "", fail(exitOther, "the password cannot be read: "+cause(err), "--password-file FILE, or - for stdin")
	}
	return strings.TrimRight(string(data), "\r\n"), nil
}

// rightsChange is what --scope and --claim ask for. Left out, they leave as it
// is; given empty, they take away.
func rightsChange(c *cobra.Command, scope string, claims []string) (acts.Change, error) {
	var change acts.Change
	if c.Flags().Changed("scope") {
		change.Scope = &scope
	}
	if !c.Flags().Changed("claim") {
		return change, nil
	}
	change.Claims = map[string]json.RawMessage{}
	for _, pair := range claims {
		if pair == "" {
			continue
		}
		name, text, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			f := usage("%s: --claim %q is not name=value", c.CommandPath(), pair)
			f.Try = []string{"--claim plan=pro"}
			return change, f
		}
		value, err := json.Marshal(jsonOrText(text))
		if err != nil {
			return change, usage("%s: --claim %q: %s", c.CommandPath(), pair, err)
		}
		change.Claims[name] = value
	}
	return change, nil
}

func (p *program) accountSetCommand() *cobra.Command {
	var username, scope string
	var claims []string
	c := &cobra.Command{
		Use: "set ACCOUNT", Short: "change the name or the rights of an account", Args: takes(1, 1),
		Long: "Changes the name or the rights of an account. Rights enter its next tokens; a rule makes verifiers\n" +
			"refuse older ones when a right was taken away. Nobody is logged out. --claim replaces all claims of the\n" +
			"account; --claim \"\" takes them away.",
		Example: "  jotkeeper account set ada --scope \"orders pay\"\n  jotkeeper account set 42 --claim plan=pro --claim seats=5\n  jotkeeper account set ada --username ada@example.com",
	}
	c.Flags().StringVar(&username, "username", "", "its new name")
	c.Flags().StringVar(&scope, "scope", "", "rights of its tokens, with spaces between them")
	c.Flags().StringArrayVar(&claims, "claim", nil, "name=value for its tokens; value is JSON, else text")
	p.outputFlag(c)
	return p.storeCommand(c, func(ctx context.Context, h *house, args []string) error {
		change, err := rightsChange(c, scope, claims)
		if err != nil {
			return err
		}
		if c.Flags().Changed("username") {
			change.Username = &username
		}
		if change.Empty() {
			f := usage("account set: nothing to set")
			f.Try = []string{"--scope \"orders pay\""}
			return f
		}
		return p.setAccount(ctx, h, args[0], change)
	})
}

func (p *program) setAccount(ctx context.Context, h *house, who string, change acts.Change) error {
	row, err := h.findAccount(ctx, who)
	if err != nil {
		return err
	}
	done, err := h.acts.ChangeAccount(ctx, time.Now(), row.ID, change)
	if err != nil {
		return accountFault(err, who)
	}
	switch done {
	case revocation.Revoke:
		p.say("a right was taken away: tokens from before are refused, clients refresh")
	case revocation.Rotate:
		p.say("tokens from before are renewed as they are seen")
	}
	return p.showAccount(ctx, h, row.ID)
}

func (p *program) accountLockCommand(verb, short, long string) *cobra.Command {
	c := &cobra.Command{
		Use: verb + " ACCOUNT", Short: short, Args: takes(1, 1), Long: long,
		Example: fmt.Sprintf("  jotkeeper account %s ada\n  jotkeeper account %s 42 -o json", verb, verb),
	}
	p.outputFlag(c)
	return p.storeCommand(c, func(ctx context.Context, h *house, args []string) error {
		row, err := h.findAccount(ctx, args[0])
		if err != nil {
			return err
		}
		if verb == "lock" {
			err = h.acts.Lock(ctx, time.Now(), row.ID, "")
		} else {
			err = h.acts.Unlock(ctx, row.ID)
		}
		if err != nil {
			return accountFault(err, args[0])
		}
		return p.showAccount(ctx, h, row.ID)
	})
}

// findAccount finds an account by number or username. A number is tried first:
// what has only digits is no name that people choose.
func (h *house) findAccount(ctx context.Context, who string) (account.Row, error) {
	if id, err := strconv.ParseInt(who, 10, 64); err == nil {
		row, err := h.accounts.Find(ctx, id)
		if !errors.Is(err, account.ErrNotFound) {
			return row, err
		}
	}
	row, err := h.accounts.FindIdentifier(ctx, who)
	if err != nil {
		return row, accountFault(err, who)
	}
	return row, nil
}

// accountID is the account as sessions write it.
func (h *house) accountID(ctx context.Context, who string) (string, error) {
	row, err := h.findAccount(ctx, who)
	return strconv.FormatInt(row.ID, 10), err
}

// accountFault turns what the account room says into a sentence.
func accountFault(err error, who string) error {
	var fields *account.FieldErrors
	switch {
	case errors.Is(err, account.ErrNotFound):
		return fail(exitOther, "no account "+strconv.Quote(who), "its number or its username")
	case errors.Is(err, account.ErrTaken):
		return fail(exitOther, "the username is taken", "another one")
	case errors.As(err, &fields):
		f := fail(exitOther, "")
		for i, e := range fields.Errors {
			if i > 0 {
				f.Text += "; "
			}
			f.Text += "the " + e.Field + " " + e.Detail
			f.Try = append(f.Try, "another "+e.Field)
		}
		return f
	}
	return err
}
