package feed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/jotkeeper/jotkeeper/revocation"
)

// ackEach is the pause between two acks: 20 a second at most.
const ackEach = 50 * time.Millisecond

// An acker tells the origin how far a client is, beside the stream: whatever
// becomes of it, following goes on.
type acker struct {
	f      *follower
	place  string
	news   chan revocation.Cursor // the latest that was not looked at yet
	latest revocation.Cursor
}

// tell notes a cursor. It never waits: what was not told yet is overtaken.
func (a *acker) tell(c revocation.Cursor) {
	select {
	case <-a.news:
	default:
	}
	a.news <- c
}

// run tells the latest cursor, at most every 50 ms and until it is taken, as long
// as ctx lasts and the origin wants to hear.
func (a *acker) run(ctx context.Context) {
	for pause := ackEach; ; sleep(ctx, pause) {
		select {
		case <-ctx.Done():
			return
		case a.latest = <-a.news:
		}
		for pause = ackEach; ; pause = min(2*pause, maxWait) {
			err := a.send(ctx)
			if errors.Is(err, errUnwanted) || ctx.Err() != nil {
				return
			}
			if err == nil {
				break
			}
			sleep(ctx, pause)
			select {
			case a.latest = <-a.news:
			default:
			}
		}
	}
}

var errUnwanted = errors.New("feed: the origin takes no acks")

func (a *acker) send(ctx context.Context) error {
	text, err := json.Marshal(ack{a.f.c.id, a.latest.String()})
	if err != nil {
		return err
	}
	status, _, err := a.f.post(ctx, a.place, "", text, answerTimeout)
	switch {
	case err != nil:
		return err
	case status == http.StatusNoContent:
		return nil
	case status >= http.StatusInternalServerError:
		return ErrUnavailable
	}
	return errUnwanted
}

// post sends JSON to a place that the document names. It returns the status
// and the beginning of what was answered.
func (f *follower) post(ctx context.Context, place, query string, text []byte, limit time.Duration) (int, []byte, error) {
	u, err := f.locate(place)
	if err != nil {
		return 0, nil, err
	}
	u.RawQuery = query
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(text))
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	r.Header = f.credential()
	r.Header.Set("Content-Type", "application/json")
	res, err := f.c.http.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxDocument))
	return res.StatusCode, answer, err
}
