package revocation

import (
	"context"
	"errors"
	"time"
)

// page is how many entries are read at once.
const page = 1000

var errDisorder = errors.New("revocation: the source answered out of order")

// CatchUp reads a source to its end, once, and merges what the index lacks. It is
// for programs that are soon over, and for a reading out of turn beside
// [Follow], which does the same again and again. The index has then Heard.
//
// If the source no longer knows the index's cursor all that it keeps is read. An
// error is the source's, or ErrBadRule or ErrFull as of [Index.Apply]; what was
// read before it stays, and the next call goes on from there. It waits for
// nothing but the source's answers, as long as ctx lets it.
func CatchUp(ctx context.Context, src Source, x *Index) error {
	now, r, err := time.Now(), &reading{src: src, index: x}, ErrSnapshotRequired
	if at := x.Cursor(); at != (Cursor{}) {
		err = r.rest(ctx, at)
	}
	if errors.Is(err, ErrSnapshotRequired) {
		err = r.all(ctx)
	}
	if err == nil {
		x.Heard(now)
	}
	return err
}

// A reading brings an index to the end of its source.
type reading struct {
	src   Source
	index *Index
	owner bool // of the cursor: it moves back with a source that lost its end
}

// all reads everything that is kept. The head is asked for first: what stands
// before it is in what is read then, or was compacted.
func (r *reading) all(ctx context.Context) error {
	head, err := r.src.Head(ctx)
	if err != nil {
		return err
	}
	r.index.counts.snapshots.Add(1)
	if r.owner {
		r.index.place(Cursor{})
	}
	if err := r.rest(ctx, Cursor{}); err != nil {
		return err
	}
	r.index.Advance(head)
	if r.owner {
		r.index.Reached(r.index.Cursor()) // and what a wrong clock swept is there again
	}
	return nil
}

// rest reads what comes after a cursor.
func (r *reading) rest(ctx context.Context, after Cursor) error {
	for n := page; n == page; {
		entries, err := r.src.Read(ctx, after, page)
		if err != nil {
			return err
		}
		if after, err = r.merge(after, entries); err != nil {
			return err
		}
		n = len(entries)
	}
	return nil
}

// merge takes one page. The cursor moves only if all of it made sense: what is
// not understood is never skipped.
func (r *reading) merge(after Cursor, page []Entry) (Cursor, error) {
	if err := r.index.Apply(page...); err != nil {
		return after, err
	}
	for _, e := range page {
		if !after.Before(e.Cursor) {
			return after, errDisorder
		}
		after = e.Cursor
	}
	r.index.Advance(after)
	return after, nil
}
