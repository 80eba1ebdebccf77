package feed

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/jotkeeper/jotkeeper/revocation"
)

// A Follower is what an origin knows of one of those who follow it.
type Follower struct {
	Credential string            // the name of its Grant
	Connected  bool              // a stream is open; otherwise it was here within the retention
	Acked      revocation.Cursor // everything up to it is in force there; zero: it does not tell
	Seen       time.Duration     // so long ago it came, told something, or left
}

// A company is everybody who follows, on the wire.
type company struct {
	Version   int      `json:"v"`
	Cursor    string   `json:"cursor"` // the head, which they are to reach
	Followers []fellow `json:"followers"`
}

type fellow struct {
	Credential string `json:"credential"`
	Connected  bool   `json:"connected"`
	Acked      string `json:"acked,omitzero"`
	Seen       int64  `json:"seen_ms"`
}

// company tells who follows, and who did.
func (h *Handler) company(w http.ResponseWriter, r *http.Request, _ Grant) {
	head, alive := h.hub.position()
	if !alive {
		refuse(w, r, ErrUnavailable)
		return
	}
	out := company{Version: version, Cursor: head.String(), Followers: []fellow{}}
	now := h.hub.stopwatch()
	for _, m := range h.roster.list() {
		one := fellow{Credential: m.name, Connected: m.streams > 0, Seen: max(0, now-m.seen).Milliseconds()}
		if m.acked != (revocation.Cursor{}) {
			one.Acked = m.acked.String()
		}
		out.Followers = append(out.Followers, one)
	}
	send(w, http.StatusOK, out)
}

// Followers returns those who follow and those who did within the retention,
// the furthest behind first, with the head of the feed. It fails as Push does.
func (o *Origin) Followers(ctx context.Context) (revocation.Cursor, []Follower, error) {
	f, err := o.reach(ctx)
	defer o.leave()
	if err != nil {
		return revocation.Cursor{}, nil, err
	}
	if f.doc.Followers == "" {
		return revocation.Cursor{}, nil, fmt.Errorf("%w: it does not tell who follows", ErrProtocol)
	}
	i, err := f.ask(ctx, f.doc.Followers, nil, f.credential(), "application/json")
	if err != nil {
		return revocation.Cursor{}, nil, err
	}
	defer i.close()
	text, err := io.ReadAll(io.LimitReader(i, maxLine))
	var in company
	if err == nil {
		err = read(text, &in)
	}
	if err != nil {
		return revocation.Cursor{}, nil, err
	}
	return in.followers()
}

func (in company) followers() (head revocation.Cursor, list []Follower, err error) {
	if head, err = revocation.ParseCursor(in.Cursor); err != nil {
		return head, nil, fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	for _, m := range in.Followers {
		one := Follower{Credential: m.Credential, Connected: m.Connected, Seen: time.Duration(m.Seen) * time.Millisecond}
		if m.Acked != "" {
			if one.Acked, err = revocation.ParseCursor(m.Acked); err != nil {
				return head, nil, fmt.Errorf("%w: %w", ErrProtocol, err)
			}
		}
		list = append(list, one)
	}
	return head, list, nil
}

// send answers with JSON that nobody keeps.
func send(w http.ResponseWriter, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		text = []byte("{}") // cannot be: it is made of strings and numbers
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(patience))
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(text)
}
