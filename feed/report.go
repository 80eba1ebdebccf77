package feed

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
)

// A desk is where an origin takes sightings.
type desk struct {
	at     *url.URL
	settle time.Duration
}

// learn notes whether the origin takes sightings, after its document was read.
func (f *follower) learn() {
	f.c.desk.Store(nil)
	at, err := f.locate(f.doc.Sightings)
	if f.doc.Sightings == "" || err != nil || f.doc.Settle <= 0 || f.doc.Settle > maxAge {
		return
	}
	f.c.desk.Store(&desk{at, time.Duration(f.doc.Settle) * time.Second})
}

// Settle returns how old a token must be whose sighting the origin takes, 0 while
// it takes none, or none that is known of.
func (c *Client) Settle() time.Duration {
	if d := c.desk.Load(); d != nil {
		return d.settle
	}
	return 0
}

// Sight reports what was seen to the origin, while Follow runs. It is a help, not a
// duty: nothing is kept, nothing tried again. It fails with ErrUnavailable if the
// origin takes nothing at the moment, ErrUnauthorized if not from this
// credential, ErrProtocol, or an error of the network.
func (c *Client) Sight(ctx context.Context, seen []Sighting) error {
	d := c.desk.Load()
	if d == nil {
		return fmt.Errorf("%w: the origin takes no sightings", ErrUnavailable)
	}
	for part := range slices.Chunk(seen, maxBatch) {
		if err := c.report(ctx, d, part); err != nil {
			return err
		}
		c.sightings.Add(uint64(len(part)))
	}
	return nil
}

func (c *Client) report(ctx context.Context, d *desk, part []Sighting) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	out := batch{Version: version}
	for _, s := range part {
		out.Seen = append(out.Seen, seen{s.SessionID, s.Generation, int64(s.Age / time.Second)})
	}
	text, err := json.Marshal(out)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.at.String(), bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	r.Header = http.Header{"Authorization": {"Bearer " + c.cfg.Token}, "Content-Type": {"application/json"}}
	res, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer c.rest()
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxDocument)) // so that the connection is used again
	return taken(res)
}

// rest closes the connections of a client that follows no more.
func (c *Client) rest() {
	if c.own != nil && c.over.Load() {
		c.own.CloseIdleConnections()
	}
}

// taken tells what the answer to a report means.
func taken(res *http.Response) error {
	kind := ErrProtocol
	switch s := res.StatusCode; {
	case s == http.StatusNoContent:
		return nil
	case s == http.StatusUnauthorized || s == http.StatusForbidden:
		kind = ErrUnauthorized
	case s == http.StatusServiceUnavailable:
		kind = ErrUnavailable
	}
	return fmt.Errorf("%w: the origin answers %s", kind, res.Status)
}
