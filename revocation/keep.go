package revocation

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"time"
)

// A change is on the disk after keepAfter and keepEach for each rule that is
// kept. So whatever is revoked, and however often, some 35 bytes are written in
// keepEach, and a thousandth of the time goes into it.
const (
	keepAfter = 5 * time.Second
	keepEach  = 100 * time.Microsecond
)

// DiskStats tell how an index fares with its directory.
type DiskStats struct {
	Loaded  bool   // the rules began as the directory held them
	Refused string // why what it held was not used; empty: it was, or there was nothing
	Saves   uint64 // that succeeded so far
	Trouble string // why the latest save failed; empty: it did not
}

// A Disk keeps an index in a directory between two runs. Trouble with it stops
// nothing: what cannot be loaded is read from the source, what cannot be saved
// is tried again. It is safe for concurrent use. OpenDisk makes one.
type Disk struct {
	index *Index
	dir   string
	saved uint64 // edits; only Keep's

	mu    sync.Mutex
	stats DiskStats
}

// OpenDisk loads what the directory holds into the index, as [Index.Load] does.
// Call it before Follow. Without a directory (dir is empty) nothing is loaded,
// and Keep keeps nothing.
func OpenDisk(dir string, x *Index) *Disk {
	d := &Disk{index: x, dir: dir}
	if dir == "" {
		return d
	}
	err := x.Load(dir)
	d.stats.Loaded = err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.stats.Refused = err.Error()
	}
	d.saved = x.edits.Load()
	return d
}

// Keep saves what has changed, now and then until ctx ends, and once more then.
// It is called once.
func (d *Disk) Keep(ctx context.Context) {
	if d.dir == "" {
		return
	}
	for over := false; !over; {
		sleep(ctx, keepAfter+time.Duration(d.index.Rules())*keepEach)
		over = ctx.Err() != nil // before saving: what comes while it saves is saved as well
		d.save()
	}
}

func (d *Disk) save() {
	edits := d.index.edits.Load() // what comes while it is written is another change
	if edits == d.saved {
		return
	}
	err := d.index.Save(d.dir)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stats.Trouble = ""; err != nil {
		d.stats.Trouble = err.Error()
		return
	}
	d.saved = edits
	d.stats.Saves++
}

// Stats returns the figures of the moment.
func (d *Disk) Stats() DiskStats {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.stats
}
