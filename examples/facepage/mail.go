package facepage

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/onetime"
)

// A Mail is what would have been sent. Nothing is: the pages show the mailbox.
type Mail struct {
	At   time.Time `json:"at"`
	To   string    `json:"to"`
	Kind string    `json:"kind"` // reset or survey
	Link string    `json:"link"`
}

// The kinds of mails.
const (
	resetMail  = "reset"
	surveyMail = "survey"
)

// keepMail is how many mails the mailbox holds.
const keepMail = 12

// sendMail mails a link to whoever has a name. A stranger gets the same answer
// as a friend, and no mail.
func (d *desk) sendMail(w http.ResponseWriter, r *http.Request, now time.Time) error {
	row, err := d.cfg.Accounts.FindIdentifier(r.Context(), r.PostFormValue("username"))
	switch {
	case errors.Is(err, account.ErrNotFound), err == nil && (row.Locked || !row.DeletedAt.IsZero()):
	case err != nil:
		return err
	default:
		if err := d.post(r.Context(), now, row, r.PostFormValue("kind")); err != nil {
			return err
		}
	}
	answer(w, http.StatusAccepted, struct{}{})
	return nil
}

// post makes the link, which names the version of the password: of all links
// that were sent before, a new password leaves none. It is built from the
// configured address of the pages, and never from a request's Host.
func (d *desk) post(ctx context.Context, now time.Time, row account.Row, kind string) error {
	order := onetime.Order{Subject: row.Subject(), Version: row.Credential}
	issue, page := d.resets.Issue, "/reset"
	if kind == surveyMail {
		order.Scope, issue, page = surveyScope, d.logins.Issue, "/survey"
	}
	token, err := issue(ctx, now, order)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mail = append(d.mail, Mail{At: now, To: row.Display, Kind: kind, Link: d.cfg.Orders.Pages + page + "?token=" + token})
	d.mail = d.mail[max(0, len(d.mail)-keepMail):]
	return nil
}

// mailbox shows the mails of somebody, newest first.
func (d *desk) mailbox(w http.ResponseWriter, r *http.Request, _ time.Time) error {
	d.mu.Lock()
	list := slices.Clone(d.mail)
	d.mu.Unlock()
	slices.Reverse(list)
	answer(w, http.StatusOK, list)
	return nil
}
