package feed

import (
	"errors"
	"io"
	"mime"
	"net/http"

	"github.com/jotkeeper/jotkeeper/revocation"
)

// An ack is how far a follower says it is.
type ack struct {
	Follower string `json:"follower"`
	Cursor   string `json:"cursor"`
}

const (
	maxAck  = 4 << 10  // bytes of a body
	maxBody = 64 << 10 // bytes of any other
)

// body reads a request's JSON.
func body(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, errMedia
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, errLarge
	case err != nil:
		return nil, malformed("The body ended early.")
	}
	return text, nil
}

var (
	errMedia   = errors.New("feed: a body of another type")
	errLarge   = errors.New("feed: a body that is too large")
	errUnknown = errors.New("feed: no stream of this follower")
)

// acks hears how far a follower is. A stream that is open vouches for its
// credential, which was looked at when it began: with a rule that everybody
// hears of come as many acks as there are followers.
func (h *Handler) acks(w http.ResponseWriter, r *http.Request) {
	credential, err := bearer(r)
	if err == nil && !h.roster.vouches(badgeOf(credential, "")) {
		_, err = h.admit(r, FollowScope)
	}
	if err == nil {
		err = h.acked(w, r, credential)
	}
	if err != nil {
		refuse(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (h *Handler) acked(w http.ResponseWriter, r *http.Request, credential string) error {
	text, err := body(w, r, maxAck)
	if err != nil {
		return err
	}
	var a ack
	err = read(text, &a)
	cursor, cerr := revocation.ParseCursor(a.Cursor)
	head, alive := h.hub.position()
	switch {
	case err != nil || cerr != nil || a.Follower == "" || !plain(a.Follower):
		return malformed(`An ack is {"follower":ID,"cursor":"E:S"}.`)
	case !alive:
		return ErrUnavailable
	case head.Before(cursor):
		return malformed("The cursor is ahead of the feed: nobody can have got so far.")
	case !h.roster.acked(badgeOf(credential, a.Follower), cursor):
		return errUnknown
	}
	return nil
}
