package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jotkeeper/jotkeeper/internal/acts"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// recovered looks whether the database was put back to an older copy, before
// anything is signed or answered, or closes the house again.
func (h *house) recovered(ctx context.Context, told func(string)) (*house, error) {
	if err := h.recover(ctx, told); err != nil {
		return nil, errors.Join(h.set.storeFault(err), h.close())
	}
	return h, nil
}

func (h *house) recover(ctx context.Context, told func(string)) error {
	seen, err := h.noted(ctx)
	if err != nil {
		return err
	}
	if err := h.catchUpTo(ctx, time.Now(), seen, told); err != nil {
		return err
	}
	return h.mirror.keep(h.seen)
}

// noted is how far the log is known to have got, made comparable with its head:
// a mirror that is not there has seen what there is, a damaged one more than
// that. Rules that were saved stood in the log as well. If they are of an epoch
// before, they count, since whoever opened the next one may not have known them.
func (h *house) noted(ctx context.Context) (revocation.Cursor, error) {
	seen, err := h.readMirror()
	if err != nil {
		return seen, err
	}
	head, err := h.backend.Set().Revocations.Head(ctx)
	rules := h.index.Cursor()
	switch {
	case err != nil:
		return seen, err
	case seen == unknownHead:
		return revocation.Cursor{Epoch: head.Epoch, Seq: math.MaxUint64}, nil
	case rules != (revocation.Cursor{}) && (seen.Before(rules) || !head.Before(seen)):
		return rules, nil
	case seen == (revocation.Cursor{}):
		return head, nil
	}
	return seen, nil
}

func (h *house) readMirror() (revocation.Cursor, error) {
	seen, err := h.mirror.read()
	switch {
	case errors.Is(err, errMirrorNewer):
		return seen, &fault{Code: exitOutside, Text: h.mirror.path + " is from a newer jotkeeper than this one", Try: []string{"the newer jotkeeper"}, Err: err}
	case err != nil:
		return seen, &fault{Code: exitConfig, Text: h.mirror.path + " cannot be read: " + cause(err), Try: []string{"ls -l " + shellQuote(h.mirror.path)}, Err: err}
	}
	return seen, nil
}

// watchHead does the same for a server that runs: a copy may be restored under
// it. Only one goroutine calls it.
func (h *house) watchHead(ctx context.Context, now time.Time, told func(string)) error {
	seen, err := h.readMirror()
	if err != nil {
		return err
	}
	head, err := h.backend.Set().Revocations.Head(ctx)
	if err != nil {
		return err
	}
	// What other processes noted counts, but for an epoch that one of them
	// opened: this server may know rules that it did not.
	if seen == unknownHead || !head.Before(seen) {
		seen = h.seen
	}
	return h.catchUpTo(ctx, now, seen, told)
}

// catchUpTo recovers if the log is behind what was seen, and notes its head.
func (h *house) catchUpTo(ctx context.Context, now time.Time, seen revocation.Cursor, told func(string)) error {
	done, err := h.acts.Recover(ctx, now, seen)
	if err != nil {
		return err
	}
	if done.Opened || done.Rules > 0 {
		told(recoveryText(seen, done))
	}
	if done.Head == h.seen {
		return nil
	}
	h.seen = done.Head
	return h.mirror.keep(done.Head)
}

func recoveryText(seen revocation.Cursor, done acts.Recovery) string {
	if !done.Opened {
		return fmt.Sprintf("the database was put back to an older copy: %d rules that it lacked were appended again, %d sessions ended again", done.Rules, done.Sessions)
	}
	return fmt.Sprintf("the database was put back to an older copy: its log was behind %s. Epoch %d is open, every access token signed before is refused, "+
		"%d rules that it lacked were appended again, %d sessions ended again. Locks, passwords and rights are those of the copy; "+
		"sessions that ended since the copy was made may be alive: jotkeeper session end --all ACCOUNT", placeText(seen), done.Head.Epoch, done.Rules, done.Sessions)
}

// placeText is a place in the log as people are told of it.
func placeText(c revocation.Cursor) string {
	if c.Seq == math.MaxUint64 {
		return "an unknown place (the file " + mirrorFile + " is damaged)"
	}
	return c.String()
}
