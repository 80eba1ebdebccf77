package revocation

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"math"
	"time"
)

// The format of a saved snapshot is docs/spec/revocation-snapshot.md.
const snapshotMagic = "JKRULES\x01"

// What a rule begins with: its scope from 1 to 6 and these.
const (
	flagRevoke = 1 << (3 + iota)
	flagRandom // the ID is 16 bytes, to be spelled in base64url
	flagFrom
	flagUntil
	flagIssued
	scopeMask = 7
)

// A snapshotWriter writes and adds up what it wrote.
type snapshotWriter struct {
	out   io.Writer
	sum   hash.Hash
	buf   []byte
	rules uint64
}

// writeTo writes all rules with the cursor up to which they are complete. The
// cursor is read first: what the index takes in meanwhile may be in or not.
func (x *Index) writeTo(out io.Writer, at Cursor) error {
	w := &snapshotWriter{out: out, sum: sha256.New()}
	w.buf = append(w.buf, snapshotMagic...)
	w.text(x.issuer)
	w.cursor(at)
	w.number(uint64(x.Rules()))
	for i := range x.rules.tables {
		x.mu.Lock()
		x.rules.each(x.rules.tables[i].Load(), w.rule)
		x.mu.Unlock()
		if err := w.flush(); err != nil {
			return err
		}
	}
	w.buf = append(w.buf, 0)
	w.signed(x.sweptAt())
	w.number(w.rules)
	if err := w.flush(); err != nil {
		return err
	}
	_, err := out.Write(w.sum.Sum(nil))
	return err
}

// sweptAt is read after the rules: who swept them while they were written is in it.
func (x *Index) sweptAt() int64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.swept.IsZero() {
		return 0
	}
	return x.swept.UnixMicro()
}

func (w *snapshotWriter) flush() error {
	w.sum.Write(w.buf)
	_, err := w.out.Write(w.buf)
	w.buf = w.buf[:0]
	return err
}

func (w *snapshotWriter) number(n uint64) { w.buf = binary.AppendUvarint(w.buf, n) }
func (w *snapshotWriter) signed(n int64)  { w.buf = binary.AppendVarint(w.buf, n) }
func (w *snapshotWriter) cursor(c Cursor) { w.number(c.Epoch); w.number(c.Seq) }

func (w *snapshotWriter) text(s string) {
	w.number(uint64(len(s)))
	w.buf = append(w.buf, s...)
}

func (w *snapshotWriter) rule(scope int, id []byte, m *mark) {
	flags := byte(scope + 1)
	set := func(flag byte, on bool) {
		if on {
			flags |= flag
		}
	}
	packed, shape, ok := packID(string(id))
	random := ok && shape == shapeRandom
	set(flagRevoke, m.action == Revoke)
	set(flagRandom, random)
	set(flagFrom, m.from != math.MinInt64)
	set(flagUntil, m.until != math.MaxInt64)
	set(flagIssued, m.issued != math.MaxInt64)
	w.rules++
	w.buf = append(w.buf, flags)
	if random {
		w.buf = binary.LittleEndian.AppendUint64(w.buf, packed.a)
		w.buf = binary.LittleEndian.AppendUint64(w.buf, packed.b)
	} else {
		w.text(string(id))
	}
	w.text(m.reason)
	if scopes[scope].Relative() {
		w.cursor(m.before)
	}
	for _, t := range []struct {
		flag byte
		n    int64
	}{{flagFrom, m.from}, {flagUntil, m.until}, {flagIssued, m.issued}} {
		if flags&t.flag != 0 {
			w.signed(t.n)
		}
	}
}

// A snapshotReader reads what a snapshotWriter wrote. After the first trouble
// it is bad and gives nothing but zeros.
type snapshotReader struct {
	rest []byte
	bad  bool
}

// A snapshot is a file whose sum is right.
type snapshot struct {
	cursor Cursor
	size   uint64 // rules, about
	body   snapshotReader
}

func bad(what string) error { return fmt.Errorf("%w: %s", ErrBadSnapshot, what) }

// openSnapshot checks the sum before it believes a word.
func openSnapshot(data []byte, issuer string) (snapshot, error) {
	n := len(data) - sha256.Size
	if n < 0 {
		return snapshot{}, bad("the snapshot is cut off")
	}
	if sum := sha256.Sum256(data[:n]); !bytes.Equal(sum[:], data[n:]) {
		return snapshot{}, bad("the snapshot's checksum is wrong: it was cut off or changed")
	}
	r := snapshotReader{rest: data[:n]}
	if string(r.take(len(snapshotMagic))) != snapshotMagic {
		return snapshot{}, bad("the snapshot has another format")
	}
	if string(r.text()) != issuer {
		return snapshot{}, bad("the snapshot is another issuer's")
	}
	s := snapshot{cursor: r.cursor(), size: r.number()}
	s.body = r
	if r.bad {
		return s, bad("the snapshot's head is malformed")
	}
	return s, nil
}

// merge puts the rules into the index. The cursor moves only if all were read.
func (x *Index) merge(s snapshot) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	r, n, words := &s.body, uint64(0), reasons{}
	x.rules.reserve(int(min(s.size, uint64(len(r.rest))/16)))
	for {
		flags := r.flags()
		if flags == 0 {
			break
		}
		scope := int(flags&scopeMask) - 1
		id, m := r.rule(scope, flags, words)
		if r.bad {
			break
		}
		if err := x.rules.add(scope, id, m); err != nil {
			return err
		}
		n++
	}
	swept := r.signed()
	if r.number() != n || r.bad || len(r.rest) != 0 {
		return bad("the snapshot's rules are malformed")
	}
	if at := time.UnixMicro(swept); swept != 0 && at.After(x.swept) {
		x.swept = at
	}
	if x.Cursor().Before(s.cursor) {
		x.place(s.cursor)
	}
	return nil
}

// reasons are few words in many rules: each is made once.
type reasons map[string]string

func (w reasons) word(b []byte) string {
	s, ok := w[string(b)]
	if !ok {
		s = string(b)
		w[s] = s
	}
	return s
}

func (r *snapshotReader) rule(scope int, flags byte, words reasons) (string, mark) {
	m := mark{action: Rotate, before: everything, issued: math.MaxInt64, from: math.MinInt64, until: math.MaxInt64}
	var id string
	if flags&flagRandom != 0 {
		id = base64url.EncodeToString(r.take(16))
	} else {
		id = string(r.text())
	}
	r.bad = r.bad || scope >= len(scopes) || id == ""
	if flags&flagRevoke != 0 {
		m.action = Revoke
	}
	m.reason = words.word(r.text())
	if !r.bad && scopes[scope].Relative() {
		m.before = r.cursor()
	}
	for _, t := range []struct {
		flag byte
		n    *int64
	}{{flagFrom, &m.from}, {flagUntil, &m.until}, {flagIssued, &m.issued}} {
		if flags&t.flag != 0 {
			*t.n = r.signed()
		}
	}
	return id, m
}

func (r *snapshotReader) take(n int) []byte {
	if n > len(r.rest) {
		r.bad, n = true, 0
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

// flags returns what a rule begins with, 0 at the end.
func (r *snapshotReader) flags() byte {
	b := r.take(1)
	switch {
	case len(b) == 0:
		return 0
	case b[0] != 0 && b[0]&scopeMask == 0:
		r.bad = true
		return 0
	}
	return b[0]
}

func (r *snapshotReader) number() uint64 {
	n, size := binary.Uvarint(r.rest)
	r.skip(size)
	return n
}

func (r *snapshotReader) signed() int64 {
	n, size := binary.Varint(r.rest)
	r.skip(size)
	return n
}

func (r *snapshotReader) skip(size int) {
	if size <= 0 {
		r.bad, size = true, 0
	}
	r.rest = r.rest[size:]
}

func (r *snapshotReader) cursor() Cursor { return Cursor{Epoch: r.number(), Seq: r.number()} }

func (r *snapshotReader) text() []byte {
	n := r.number()
	if n > uint64(len(r.rest)) {
		r.bad, n = true, 0
	}
	return r.take(int(n))
}
