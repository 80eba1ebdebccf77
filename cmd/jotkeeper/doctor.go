package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/jotkeeper/jotkeeper/jwks"
	"github.com/jotkeeper/jotkeeper/keyring"
	"github.com/spf13/cobra"
)

func (p *program) doctorCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "doctor", Short: "look for what is wrong, say what to do", Args: takes(0, 0),
		Long: "Looks at a server from outside and inside: its settings, the data directory, the database, the signing\n" +
			"keys, the port, the issuer as the outside reaches it, the clock. Each finding comes with its remedy. It\n" +
			"works beside a running server. The exit code is that of the first thing found to be wrong; a\n" +
			"warning does not change it.",
		Example: "  jotkeeper doctor\n  jotkeeper doctor --issuer https://id.example.com -o json",
		RunE: func(c *cobra.Command, _ []string) error {
			x := &examination{p: p, now: time.Now}
			return p.writeFindings(x.examine(c.Context()))
		},
	}
	p.outputFlag(c)
	p.settingFlags(c, everyOption)
	return exits(c, exitOK, exitOther, exitUsage, exitOutside, exitConfig)
}

// The states of a finding.
const (
	well    = "ok"
	ill     = "wrong"
	unknown = "skipped" // it could not be looked at, for a reason found before
	odd     = "warning" // it works, and is hardly what was meant
)

// A finding is what one look has shown.
type finding struct {
	Name  string `json:"name"`
	State string `json:"state"`
	Says  string `json:"says"`
	Try   string `json:"try,omitempty"`
	code  int
}

// An examination looks at one thing after another; later looks use what
// earlier ones have opened.
type examination struct {
	p     *program
	now   func() time.Time
	set   *settings
	house *house           // nil: it could not be opened
	keys  []keyring.Record // as they were before a room looked after them
	date  time.Time
	asked time.Time // when date was told
	found []finding
}

func (x *examination) ok(name, format string, args ...any) {
	x.found = append(x.found, finding{Name: name, State: well, Says: fmt.Sprintf(format, args...)})
}

func (x *examination) skip(name, why string) {
	x.found = append(x.found, finding{Name: name, State: unknown, Says: why})
}

func (x *examination) wrong(name string, code int, says, try string) {
	x.found = append(x.found, finding{Name: name, State: ill, Says: says, Try: try, code: code})
}

// fault records what a command would have said.
func (x *examination) fault(name string, err error) {
	var f *fault
	if !errors.As(err, &f) {
		f = fail(exitOther, err.Error(), "jotkeeper serve, and look at what it says")
	}
	x.wrong(name, f.Code, f.Text, cmp.Or(append(f.Try, "")[0], "-"))
}

func (x *examination) examine(ctx context.Context) []finding {
	if x.settings(); x.set == nil {
		return x.found
	}
	x.applications()
	x.dataDirectory()
	x.database(ctx)
	if x.house != nil {
		defer x.house.close()
	}
	x.revocations(ctx)
	x.signingKeys()
	x.port(ctx)
	x.issuer(ctx)
	x.published(ctx)
	x.clock()
	return x.found
}

func (x *examination) settings() {
	s, err := x.p.loadBeside()
	if wrong, ok := err.(*wrongSettings); ok {
		for _, w := range wrong.all {
			x.wrong("settings", exitConfig, w.Where+" "+w.Text, w.Try)
		}
		return
	}
	x.set = s
	x.ok("settings", "%d set, the rest at their defaults", len(s.origin))
}

// applications: without a list only pages of this machine are trusted, which is
// meant for trying out, and not behind a name that others reach.
func (x *examination) applications() {
	const name = "applications"
	switch n := len(x.set.AppDomains); {
	case n > 0:
		x.ok(name, "%d trusted, tokens are for %s unless a page says otherwise", n, x.set.Audience)
	case strings.HasPrefix(x.set.Issuer, "https://"):
		x.found = append(x.found, finding{Name: name, State: odd, Says: "--app-domains is empty: only pages of this machine are trusted, and tokens are for " + x.set.Audience,
			Try: "--app-domains app.example.com, the hosts of your applications"})
	default:
		x.ok(name, "pages of this machine, tokens are for %s", x.set.Audience)
	}
}

func (x *examination) dataDirectory() {
	dir, err := existingDataDir(x.set.DataDir, x.set.home)
	if err == nil {
		err = onlyOwners(x.set.databasePath(), x.set.MasterKeyFile, x.set.AdminPasswordFile, x.set.TLSKey)
	}
	if err != nil {
		x.fault("data directory", err)
		return
	}
	x.ok("data directory", "%s, for its owner only", dir.name())
}

func (x *examination) database(ctx context.Context) {
	house, err := x.set.openStore(ctx)
	if err == nil {
		if x.keys, err = house.backend.Set().Keys.Keys(ctx); err != nil {
			err = errors.Join(x.set.storeFault(err), house.close())
		}
	}
	if err == nil {
		house, err = house.furnished(ctx)
	}
	if err != nil {
		x.fault("database", err)
		return
	}
	x.house = house
	x.ok("database", "%s opens, its version is this program's, the master key fits", x.set.databasePath())
}

// revocations: a log that is behind what was noted outside the database lost
// revocations that somebody was told are in force.
func (x *examination) revocations(ctx context.Context) {
	const name = "revocations"
	if x.house == nil {
		x.skip(name, "the database could not be opened")
		return
	}
	head, err := x.house.backend.Set().Revocations.Head(ctx)
	if err != nil {
		x.fault(name, x.set.storeFault(err))
		return
	}
	seen, err := x.house.noted(ctx)
	switch {
	case err != nil:
		x.fault(name, err)
	case head.Before(seen):
		x.wrong(name, exitOther, fmt.Sprintf("the log stands at %s, and has stood at %s: the database was put back to an older copy", head, placeText(seen)),
			"jotkeeper serve, which refuses every token signed before; then jotkeeper session end --all for the accounts that were active since")
	default:
		x.ok(name, "the log stands at %s, not behind what was noted outside the database", head)
	}
}

// signingKeys: a token that no verifier can check is a logout, so the next key
// has to be there before the active one ends.
func (x *examination) signingKeys() {
	const name = "signing keys"
	if x.house == nil {
		x.skip(name, "the database could not be opened")
		return
	}
	active, next := x.signing()
	switch {
	case active == "":
		x.wrong(name, exitOther, "no key signs", "jotkeeper serve, which makes one")
	case next == "":
		x.wrong(name, exitOther, "no next key is published: when the active one ends, verifiers meet a key that they do not have", "jotkeeper serve, which makes it in time; if it runs, look at its log")
	default:
		x.ok(name, "%s signs, %s is next", active, next)
	}
}

// signing returns the key that signs now and the one that will, "" for none.
func (x *examination) signing() (active, next string) {
	now := x.now()
	for _, k := range x.keys {
		switch {
		case k.State == keyring.Compromised:
		case k.SignsFrom.After(now):
			next = k.ID
		case k.SignsTo.After(now):
			active = k.ID
		}
	}
	return active, next
}

func (x *examination) port(ctx context.Context) {
	const name = "port"
	dialer := net.Dialer{Timeout: 2 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", dialable(x.set.Addr))
	if err != nil {
		x.wrong(name, exitOutside, "nobody listens on "+x.set.Addr, "jotkeeper serve")
		return
	}
	conn.Close()
	if !answersAsJotkeeper(ctx, x.set.Addr) {
		x.wrong(name, exitOutside, "another program listens on "+x.set.Addr, "jotkeeper serve --addr "+nextPort(x.set.Addr))
		return
	}
	x.ok(name, "a jotkeeper answers on %s", x.set.Addr)
}

// dialable is an address to listen on as one to connect to.
func dialable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return addr
}

// issuer: tokens name the issuer, and every verifier finds the keys from
// there. A name that does not lead here fails everywhere at once.
func (x *examination) issuer(ctx context.Context) {
	const name = "issuer"
	if x.set.Issuer == "" {
		x.skip(name, "not known: --addr has a free port, --issuer is not set")
		return
	}
	client := askingClient()
	client.Transport = transportFunc(func(r *http.Request) (*http.Response, error) {
		res, err := http.DefaultTransport.RoundTrip(r)
		if err == nil {
			x.date, _ = http.ParseTime(res.Header.Get("Date"))
			x.asked = x.now()
		}
		return res, err
	})
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if _, err := jwks.Discover(ctx, client, x.set.Issuer); err != nil {
		x.wrong(name, exitOutside, x.set.Issuer+" does not lead here: "+netCause(err), "--issuer as the outside reaches this server; look at DNS and at the proxy")
		return
	}
	x.ok(name, "%s leads to a server that calls itself so", x.set.Issuer)
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// published compares what the issuer publishes with what the database has: a
// cache in between, or another server, shows here.
func (x *examination) published(ctx context.Context) {
	const name = "published keys"
	if x.house == nil || x.date.IsZero() {
		x.skip(name, "the database or the issuer could not be reached")
		return
	}
	v := verification{Issuer: x.set.Issuer}
	keys, err := v.remoteKeys(ctx, x.now())
	if err != nil {
		x.wrong(name, exitOutside, detailOf(err), "curl "+x.set.Issuer+"/.well-known/jwks.json")
		return
	}
	snapshot, err := keys.Snapshot(x.now())
	if err != nil {
		x.wrong(name, exitOutside, detailOf(err), "curl "+x.set.Issuer+"/.well-known/jwks.json")
		return
	}
	active, next := x.signing()
	for _, kid := range []string{active, next} {
		if kid != "" && snapshot.Key(kid) == nil {
			x.wrong(name, exitOutside, "key "+kid+" is not published at "+x.set.Issuer, "a cache in front of it that keeps the old set, or another server that answers there")
			return
		}
	}
	x.ok(name, "the active and the next key are published")
}

// maxClockError is how far this clock may be off: the session room trusts none
// that is further from its store's.
const maxClockError = 5 * time.Second

// clock looks for a wrong clock in what this machine can know: what the
// issuer's answer says, and that the database was not written in the future.
func (x *examination) clock() {
	const name = "clock"
	now := x.now()
	for _, k := range x.keys {
		if k.CreatedAt.After(now.Add(maxClockError)) {
			x.wrong(name, exitOther, fmt.Sprintf("the clock is behind: the database was written %s", away(now, k.CreatedAt)), "timedatectl set-ntp true")
			return
		}
	}
	if x.date.IsZero() {
		x.ok(name, "not behind the database; no answer of the issuer to compare with")
		return
	}
	// Date has whole seconds, so up to one is no difference.
	if off := x.asked.Sub(x.date) - time.Second/2; off.Abs() > maxClockError+time.Second/2 {
		x.wrong(name, exitOther, fmt.Sprintf("this clock and that of %s differ by %s", x.set.Issuer, human(off.Abs())), "timedatectl set-ntp true, on both machines")
		return
	}
	x.ok(name, "agrees with that of the issuer")
}

// writeFindings prints them and ends with the code of the first that is wrong.
func (p *program) writeFindings(found []finding) error {
	code := exitOK
	rows := [][]string{}
	for _, f := range found {
		rows = append(rows, []string{f.State, f.Name, printable(f.Says)})
		if f.Try != "" {
			rows = append(rows, []string{"", "", "try: " + f.Try})
		}
		if f.State == ill && code == exitOK {
			code = f.code
		}
	}
	if p.json() {
		out := struct {
			OK     bool      `json:"ok"`
			Checks []finding `json:"checks"`
		}{code == exitOK, found}
		if err := p.writeJSON(out); err != nil {
			return err
		}
	} else {
		p.table(rows...)
	}
	if code == exitOK {
		return nil
	}
	return errSilent(code)
}
