package feed

import (
	"context"
	"net/http"
	"time"

	"github.com/jotkeeper/jotkeeper/revocation"
)

// A Receipt tells who has the rules that were appended, as their origin knew it
// when it answered.
type Receipt struct {
	Cursor    revocation.Cursor // of the last of them
	Connected int               // followers with an open stream
	Acked     int               // of these, how many have the rules in force
	Absent    int               // followers that were here within the retention, and are not now
	Took      time.Duration     // from the request's arrival to this answer
}

// Complete tells whether every connected follower has the rules. The absent
// hear of them when they come back; until then they are stale, and act as such.
func (r Receipt) Complete() bool { return r.Acked == r.Connected }

// A receipt is a Receipt on the wire.
type receipt struct {
	Cursor    string `json:"cursor"`
	Seq       uint64 `json:"seq"`
	Connected int    `json:"connected"`
	Acked     int    `json:"acked"`
	Absent    int    `json:"absent"`
	Took      int64  `json:"ms"`
}

// confirmed waits until every connected follower is as far as a cursor, for so
// long at most. When the feed ends meanwhile, those who have left it have
// confirmed nothing: that is no success.
func (h *Handler) confirmed(ctx context.Context, at revocation.Cursor, wait time.Duration) (count, bool) {
	over := time.NewTimer(wait)
	defer over.Stop()
	for {
		alive, beat := h.hub.watch()
		c := h.roster.count(at)
		if wait == 0 || c.acked == c.connected || !alive {
			return c, alive && c.acked == c.connected
		}
		select {
		case <-c.more:
		case <-beat:
		case <-ctx.Done():
			wait = 0
		case <-over.C:
			wait = 0 // once more, for how it stands at this moment
		}
	}
}

func answer(w http.ResponseWriter, began time.Time, at revocation.Cursor, c count, complete bool) {
	status := http.StatusOK
	if !complete {
		status = http.StatusAccepted
	}
	send(w, status, receipt{
		Cursor: at.String(), Seq: at.Seq, Connected: c.connected, Acked: c.acked, Absent: c.absent, Took: time.Since(began).Milliseconds(),
	})
}
