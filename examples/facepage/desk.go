package facepage

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/internal/problem"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keyring"
	"github.com/jotkeeper/jotkeeper/onetime"
	"github.com/jotkeeper/jotkeeper/session"
	"github.com/jotkeeper/jotkeeper/store"
)

// deskPrefix begins the paths of the account server's own routes.
const deskPrefix = "/facepage/"

// patience bounds whatever waits here.
const patience = 15 * time.Second

// A DeskConfig holds the rooms of an account server, and what its own routes
// need. All are required.
type DeskConfig struct {
	Orders   Orders // Issuer, Audience, Desk, Pages
	Backend  store.Backend
	Accounts *account.Accounts
	Sessions *session.Sessions
	Keys     *keyring.Ring
	Clock    interface{ Now() (time.Time, error) }
	Log      *slog.Logger
}

// A desk is what Facepage's account server has beside an auth server's routes:
// it mails links and takes them back, and shows itself to the pages.
type desk struct {
	cfg    DeskConfig
	resets *onetime.Tokens[onetime.Reset]
	logins *onetime.Tokens[onetime.Login]
	calls  *calls
	guard  [sha256.Size]byte

	mu   sync.Mutex
	mail []Mail
}

// Desk puts Facepage's own routes beside those of an auth server, and makes the
// people who can log in.
func Desk(ctx context.Context, cfg DeskConfig, next http.Handler) (http.Handler, error) {
	d := &desk{cfg: cfg, calls: newCalls(), guard: sha256.Sum256([]byte(cfg.Orders.Desk))}
	if err := errors.Join(d.open(), d.cast(ctx)); err != nil {
		return nil, fmt.Errorf("facepage: %w", err)
	}
	mux := http.NewServeMux()
	for pattern, h := range map[string]func(http.ResponseWriter, *http.Request, time.Time) error{
		"POST /facepage/mail":    d.sendMail,
		"GET /facepage/mailbox":  d.mailbox,
		"POST /facepage/look":    d.look,
		"POST /facepage/reset":   d.reset,
		"POST /facepage/enter":   d.enter,
		"GET /facepage/keys":     d.keys,
		"POST /facepage/rotate":  d.rotate,
		"GET /facepage/calls":    d.counts,
		"GET /facepage/accounts": d.account,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { d.serve(w, r, h) })
	}
	own := logged(cfg.Log, mux)
	return d.calls.received(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, deskPrefix) {
			own.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})), nil
}

func (d *desk) open() (err error) {
	// No longer than an access token lives: a key that is rotated out stays in the
	// key set for as long as those need it.
	one := onetime.Config{Issuer: d.cfg.Orders.Issuer, Keys: d.cfg.Keys, Store: d.cfg.Backend.Set().OneTimes, Lifetime: linkLife}
	one.Signer = d.cfg.Keys.Signer(onetime.KindReset)
	if d.resets, err = onetime.New[onetime.Reset](one); err != nil {
		return err
	}
	one.Signer = d.cfg.Keys.Signer(onetime.KindLogin)
	d.logins, err = onetime.New[onetime.Login](one)
	return err
}

// linkLife is how long a link in a mail is good for.
const linkLife = 15 * time.Minute

// people are those who can log in, with the passwords that they begin with.
var people = []struct{ Name, Password string }{
	{"ada", "moss-kettle-orbit-42"},
	{"grace", "larch-copper-tide-77"},
}

// cast makes the people, if they are not there yet.
func (d *desk) cast(ctx context.Context) error {
	now, err := d.cfg.Clock.Now()
	if err != nil {
		return err
	}
	for _, p := range people {
		if free, err := d.cfg.Accounts.Available(ctx, p.Name); err != nil || !free {
			return err
		}
		row, err := d.cfg.Accounts.Prepare(ctx, now, p.Name, p.Password)
		if err != nil {
			return err
		}
		row.Scope = faceScope + " " + surveyScope
		if _, err := d.cfg.Accounts.Insert(ctx, row); err != nil {
			return err
		}
	}
	return nil
}

// serve lets the web application in and nobody else, with a small body.
func (d *desk) serve(w http.ResponseWriter, r *http.Request, h func(http.ResponseWriter, *http.Request, time.Time) error) {
	given := sha256.Sum256([]byte(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")))
	if subtle.ConstantTimeCompare(given[:], d.guard[:]) != 1 {
		problem.Write(w, r, problem.Problem{Code: problem.BadCredentials, Hint: "Only Facepage's web application may ask this."})
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	now, err := d.cfg.Clock.Now()
	if err == nil {
		err = h(w, r.WithContext(ctx), now)
	}
	if err != nil {
		d.fail(w, r, err)
	}
}

// The reasons for which a link is refused that no token has.
const (
	usedLink    = "used"    // taken, or replaced by later ones
	changedLink = "changed" // its lock does not fit: the password was changed since
)

// fail turns an error into an answer. Trouble with the store is 503 and uses
// nothing up; what is not known is a wordless 500.
func (d *desk) fail(w http.ResponseWriter, r *http.Request, err error) {
	reason := jwt.ReasonOf(err)
	fields := account.Fields(err)
	switch {
	case errors.Is(err, onetime.ErrUsed):
		answer(w, http.StatusGone, refusal{Code: usedLink})
	case errors.Is(err, onetime.ErrVersion), errors.Is(err, account.ErrConflict), errors.Is(err, session.ErrConflict):
		answer(w, http.StatusGone, refusal{Code: changedLink})
	case errors.Is(err, onetime.ErrRetry), errors.Is(err, store.ErrUnavailable), errors.Is(err, session.ErrRetry), errors.Is(err, account.ErrBusy), reason == jwt.Unavailable:
		problem.Write(w, r, problem.Problem{Code: problem.Code(jwt.Unavailable)})
	case reason != "":
		refuse(w, r, err)
	case len(fields) > 0:
		answer(w, http.StatusUnprocessableEntity, refusal{Code: string(problem.Invalid), Detail: fields[0].Field + " " + fields[0].Detail})
	default:
		d.cfg.Log.Error("trouble", "cause", err.Error(), "request_id", problem.RequestID(r.Context()))
		problem.Write(w, r, problem.Problem{Code: problem.Internal})
	}
}

// A refusal says why, for programs.
type refusal struct {
	Code   string `json:"code"`
	Detail string `json:"detail,omitempty"`
}

// counts tells how many requests came, by what for.
func (d *desk) counts(w http.ResponseWriter, _ *http.Request, _ time.Time) error {
	answer(w, http.StatusOK, d.calls.all())
	return nil
}

// account shows a row of the accounts to the page about it: everything but the
// hash itself, of which the beginning tells how it was made.
func (d *desk) account(w http.ResponseWriter, r *http.Request, _ time.Time) error {
	id, err := account.ParseSubject(r.FormValue("account"))
	if err != nil {
		return err
	}
	row, err := d.cfg.Accounts.Find(r.Context(), id)
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, AccountRow{
		ID: row.Subject(), Username: row.Identifier, Password: hashName(row.Password), Version: row.Credential,
		Changed: row.PasswordChangedAt, Failures: row.Failures, Scope: row.Scope, Locked: row.Locked,
	})
	return nil
}

// An AccountRow is an account as the page about it shows it.
type AccountRow struct {
	ID       string    `json:"id"`
	Username string    `json:"username"`
	Password string    `json:"password"` // how it is hashed
	Version  int64     `json:"version"`  // of the password
	Changed  time.Time `json:"changed"`
	Failures int       `json:"failures"`
	Scope    string    `json:"scope"`
	Locked   bool      `json:"locked"`
}

// hashName is the part of a stored hash that tells how it was made.
func hashName(phc string) string {
	parts := strings.Split(phc, "$")
	if len(parts) < 4 {
		return "none"
	}
	return parts[1] + " " + parts[3]
}
