package revocation

import (
	"encoding/binary"
	"math"
	"strings"
)

// A record is one rule in 32 bytes: the ID, when it ends, and the rest. It is
// exact: what does not fit goes into an [extra] as it is, and the record only
// says where.
//
//	a, b     the ID: 16 bytes of base64url, or at most 16 bytes as they are
//	head     scope 3 | reason 8 | revoke 1 | until 52 bits of microseconds
//	tail     detail 58 | shape 6
//
// The detail of a jti, sid or kid rule is the span from its From to its Until,
// that of a sub, tid or iss rule is Before with the span from its second of
// issue to its Until.
type record struct{ a, b, head, tail uint64 }

// An extra is a rule whose ID or times are too long for a record.
type extra struct {
	id    string
	scope int
	mark  mark
}

// The shape of a record's ID. From 1 to 16 it is the length of an ID kept as it is.
const (
	shapeRandom = 0 // 22 characters of base64url, the one spelling of 16 bytes
	shapeExtra  = 17
)

const (
	untilBits, reasonBits               = 52, 8
	detailBits, shapeBits               = 58, 6
	seqBits, spanBits, epochBits        = 34, 21, 3
	forever                      uint64 = 1<<untilBits - 1
	ageless                      uint64 = 1<<spanBits - 1
)

// A dictionary numbers the few words and epochs that rules share. It only grows,
// by replacing it as a whole, so numbers keep their meaning.
type dictionary struct {
	reasons []string
	epochs  []uint64
}

// learn returns a dictionary that knows the mark's words, if there is room.
func (d *dictionary) learn(m *mark) *dictionary {
	word := d.reason(m.reason) < 0 && len(d.reasons) < 1<<reasonBits
	epoch := d.epoch(m.before.Epoch) < 0 && len(d.epochs) < 1<<epochBits && m.before != everything
	if !word && !epoch {
		return d
	}
	next := *d
	if word {
		next.reasons = append(d.reasons[:len(d.reasons):len(d.reasons)], strings.Clone(m.reason))
	}
	if epoch {
		next.epochs = append(d.epochs[:len(d.epochs):len(d.epochs)], m.before.Epoch)
	}
	return &next
}

func (d *dictionary) reason(word string) int {
	for i := range d.reasons {
		if d.reasons[i] == word {
			return i
		}
	}
	return -1
}

func (d *dictionary) epoch(e uint64) int {
	for i := range d.epochs {
		if d.epochs[i] == e {
			return i
		}
	}
	return -1
}

// pack returns the record of a rule, false if it does not fit into one.
func (d *dictionary) pack(scope int, id string, m *mark) (record, bool) {
	r, shape, fits := packID(id)
	until, ok := packUntil(m.until)
	detail, short := d.packDetail(scope, m)
	word := d.reason(m.reason)
	if !fits || !ok || !short || word < 0 {
		return record{}, false
	}
	r.head = uint64(scope)<<61 | uint64(word)<<53 | until
	if m.action == Revoke {
		r.head |= 1 << untilBits
	}
	r.tail = detail<<shapeBits | shape
	return r, true
}

func packUntil(until int64) (uint64, bool) {
	if until == math.MaxInt64 {
		return forever, true
	}
	return uint64(until), until >= 0 && uint64(until) < forever
}

func (d *dictionary) packDetail(scope int, m *mark) (uint64, bool) {
	if !scopes[scope].Relative() {
		return packFrom(m)
	}
	epoch, span, ok := d.epoch(m.before.Epoch), ageless, true
	if m.issued != math.MaxInt64 {
		if m.issued < 0 || m.until == math.MaxInt64 || m.until < 0 || m.until/1e6 < m.issued {
			return 0, false
		}
		span = uint64(m.until/1e6 - m.issued)
		ok = span < ageless
	}
	ok = ok && epoch >= 0 && m.before.Seq < 1<<seqBits && m.from == math.MinInt64
	return uint64(max(epoch, 0))<<(seqBits+spanBits) | span<<seqBits | m.before.Seq, ok
}

// packFrom returns 0 for a rule in force at once, else 1 more than the span
// from its From to its Until.
func packFrom(m *mark) (uint64, bool) {
	if m.from == math.MinInt64 {
		return 0, true
	}
	if m.from < 0 || m.until < m.from || m.until == math.MaxInt64 {
		return 0, false
	}
	span := uint64(m.until-m.from) + 1
	return span, span < 1<<detailBits
}

func (r *record) scope() int     { return int(r.head >> 61) }
func (r *record) shape() uint64  { return r.tail & (1<<shapeBits - 1) }
func (r *record) detail() uint64 { return r.tail >> shapeBits }

// unpack returns what pack was given. It is not for records with an extra.
func (d *dictionary) unpack(r *record) mark {
	m := mark{
		action: Rotate, reason: d.reasons[r.head>>53&(1<<reasonBits-1)],
		before: everything, issued: math.MaxInt64,
		from: math.MinInt64, until: math.MaxInt64,
	}
	if r.head>>untilBits&1 == 1 {
		m.action = Revoke
	}
	if until := r.head & forever; until != forever {
		m.until = int64(until)
	}
	detail := r.detail()
	if !scopes[r.scope()].Relative() {
		if detail > 0 {
			m.from = m.until - int64(detail-1)
		}
		return m
	}
	m.before = Cursor{Epoch: d.epochs[detail>>(seqBits+spanBits)], Seq: detail & (1<<seqBits - 1)}
	if span := detail >> seqBits & ageless; span != ageless {
		m.issued = m.until/1e6 - int64(span)
	}
	return m
}

// packID keeps an ID in 16 bytes, false if it does not fit. Two IDs never have
// the same bytes and the same shape.
func packID(id string) (record, uint64, bool) {
	var raw [16]byte
	shape := uint64(len(id))
	switch {
	case len(id) == 22 && decodeID(&raw, id):
		shape = shapeRandom
	case len(id) == 0 || len(id) > len(raw):
		return record{}, 0, false
	default:
		copy(raw[:], id)
	}
	return record{a: binary.LittleEndian.Uint64(raw[:8]), b: binary.LittleEndian.Uint64(raw[8:])}, shape, true
}

// appendID appends the ID that packID was given.
func (r *record) appendID(to []byte) []byte {
	var raw [16]byte
	binary.LittleEndian.PutUint64(raw[:8], r.a)
	binary.LittleEndian.PutUint64(raw[8:], r.b)
	if n := r.shape(); n != shapeRandom {
		return append(to, raw[:n]...)
	}
	return base64url.AppendEncode(to, raw[:])
}
