package feed

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"time"
	"unicode/utf8"

	"github.com/jotkeeper/jotkeeper/revocation"
)

// framesType is the stream in frames: the same words as events, in about half
// as many bytes, each frame with its length and its checksum.
const framesType = "application/vnd.jotkeeper.revocations"

const (
	frameVersion = 1
	helloFrame   = 1
	wordFrame    = 2
	wholeWord    = 1 // flag of a word: t is there
)

// The flags of an entry: which of its members are there.
const (
	hasBefore = 1 << iota
	hasAt
	hasFrom
	hasUntil
	hasReason
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// openFrame begins a frame, closeFrame puts the length before it and the
// checksum behind it.
func openFrame(b []byte, kind byte) []byte { return append(b, 0, 0, 0, 0, frameVersion, kind) }

func closeFrame(b []byte, at int) []byte {
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4))
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b[at:], castagnoli))
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendHello(b []byte, h hello) []byte {
	at := len(b)
	b = openFrame(b, helloFrame)
	for _, s := range []string{h.Issuer, h.Boot, h.Nonce} {
		b = appendText(b, s)
	}
	b = binary.AppendUvarint(b, uint64(h.Now))
	return closeFrame(binary.AppendUvarint(b, uint64(h.Beat)), at)
}

func appendWordFrame(b []byte, boot string, s slice) []byte {
	at := len(b)
	b = appendText(openFrame(b, wordFrame), boot)
	b = binary.AppendUvarint(binary.AppendUvarint(b, s.to.Epoch), s.to.Seq)
	if s.whole {
		b = binary.AppendUvarint(append(b, wholeWord), uint64(s.asOf.Milliseconds()))
	} else {
		b = append(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(len(s.lines)))
	for _, l := range s.lines {
		b = append(b, l.frame...)
	}
	return closeFrame(b, at)
}

// frameOf writes an entry for frames.
func frameOf(e entry, before revocation.Cursor) []byte {
	b := binary.AppendUvarint(nil, e.Seq)
	for _, s := range []string{e.Scope, e.ID, e.Action} {
		b = appendText(b, s)
	}
	flags := len(b)
	b = append(b, 0)
	if before != (revocation.Cursor{}) {
		b[flags] |= hasBefore
		b = binary.AppendUvarint(binary.AppendUvarint(b, before.Epoch), before.Seq)
	}
	for i, ms := range []int64{e.At, e.From, e.Until} {
		if ms != 0 {
			b[flags] |= hasAt << i
			b = binary.AppendUvarint(b, uint64(ms))
		}
	}
	if e.Reason != "" {
		b[flags] |= hasReason
		b = appendText(b, e.Reason)
	}
	return b
}

// readFrame reads a frame and checks its checksum. The end between two frames
// is io.EOF.
func readFrame(r io.Reader) (kind byte, body []byte, err error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n < 2 || n > maxLine {
		return 0, nil, fmt.Errorf("%w: a frame of %d bytes", ErrProtocol, n)
	}
	rest := make([]byte, n+4)
	if _, err := io.ReadFull(r, rest); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return 0, nil, err
	}
	body = rest[:n]
	sum := crc32.Update(crc32.Checksum(head[:], castagnoli), castagnoli, body)
	switch {
	case sum != binary.BigEndian.Uint32(rest[n:]):
		return 0, nil, fmt.Errorf("%w: a frame whose checksum does not hold", ErrProtocol)
	case body[0] != frameVersion:
		return 0, nil, fmt.Errorf("%w: frames of version %d, want %d", ErrProtocol, body[0], frameVersion)
	}
	return body[1], body[2:], nil
}

// A parser takes a frame apart. What is not as it is written above makes it
// bad, to the last byte: there is one way to write a word.
type parser struct {
	rest []byte
	bad  bool
}

func (p *parser) number() uint64 {
	n, size := binary.Uvarint(p.rest)
	if size <= 0 || size > 1 && p.rest[size-1] == 0 {
		p.bad, p.rest = true, nil
		return 0
	}
	p.rest = p.rest[size:]
	return n
}

func (p *parser) ms() int64 {
	n := p.number()
	p.bad = p.bad || n > math.MaxInt64
	return int64(n)
}

// stopwatch is a number of milliseconds that nanoseconds can count.
func (p *parser) stopwatch() int64 {
	n := p.ms()
	p.bad = p.bad || n > math.MaxInt64/int64(time.Millisecond)
	return n
}

func (p *parser) byte() byte {
	if len(p.rest) == 0 {
		p.bad = true
		return 0
	}
	b := p.rest[0]
	p.rest = p.rest[1:]
	return b
}

func (p *parser) text() string {
	n := p.number()
	if n > uint64(len(p.rest)) || !utf8.Valid(p.rest[:n]) {
		p.bad, p.rest = true, nil
		return ""
	}
	s := string(p.rest[:n])
	p.rest = p.rest[n:]
	return s
}

func (p *parser) cursor() revocation.Cursor {
	epoch := p.number()
	return revocation.Cursor{Epoch: epoch, Seq: p.number()}
}

func (p *parser) done() error {
	if p.bad || len(p.rest) > 0 {
		return fmt.Errorf("%w: a frame that is not of this version", ErrProtocol)
	}
	return nil
}

func parseHello(body []byte) (hello, error) {
	p := &parser{rest: body}
	h := hello{Version: version, Issuer: p.text(), Boot: p.text(), Nonce: p.text(), Now: p.stopwatch(), Beat: p.stopwatch()}
	return h, p.done()
}

func parseWord(body []byte) (to revocation.Cursor, w word, err error) {
	p := &parser{rest: body}
	w.Boot = p.text()
	to = p.cursor()
	switch flags := p.byte(); flags {
	case wholeWord:
		at := p.stopwatch()
		w.AsOf = &at
	default:
		p.bad = p.bad || flags != 0
	}
	count := p.number()
	if p.bad = p.bad || count > page; !p.bad {
		w.Entries = make([]entry, count)
	}
	for i := range w.Entries {
		w.Entries[i] = p.entry()
	}
	return to, w, p.done()
}

// entry reads one. A member that is there is not zero: zero is left out.
func (p *parser) entry() entry {
	e := entry{Seq: p.number(), Scope: p.text(), ID: p.text(), Action: p.text()}
	flags := p.byte()
	p.bad = p.bad || flags >= hasReason<<1
	if flags&hasBefore != 0 {
		before := p.cursor()
		p.bad = p.bad || before == revocation.Cursor{}
		e.Before = before.String()
	}
	for i, ms := range []*int64{&e.At, &e.From, &e.Until} {
		if flags&(hasAt<<i) != 0 {
			*ms = p.ms()
			p.bad = p.bad || *ms == 0
		}
	}
	if flags&hasReason != 0 {
		e.Reason = p.text()
		p.bad = p.bad || e.Reason == ""
	}
	return e
}
