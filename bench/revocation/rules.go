package main

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"

	crand "crypto/rand"

	"github.com/jotkeeper/jotkeeper/bench/measure"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
)

const issuer = "https://id.example.com"

var start = time.Now()

// An inhabited index has n live rules and knows what it takes up.
type inhabited struct {
	index  *revocation.Index
	sid    string // a session that was ended
	perID  float64
	filled time.Duration // CPU time
}

// inhabit makes rules as a busy house has them: half of them sessions that
// ended, a quarter accounts, a quarter single tokens, a tenant in a thousand,
// two keys, and everything that the issuer signed before the first of them.
func inhabit(n int) (inhabited, error) {
	before, used := heap(), measure.CPU()
	h := inhabited{index: revocation.NewIndex(issuer)}
	for i := range n {
		r := revocation.Rule{Scope: scopeOf(i), ID: jwt.NewID(), Action: revocation.Revoke, Reason: "logout", Until: start.Add(time.Hour + time.Duration(i)*time.Microsecond)}
		switch i {
		case 0:
			r.Scope, r.ID = revocation.ScopeIssuer, issuer
		case 1, 2:
			r.Scope, r.ID = revocation.ScopeKey, jwt.NewID()+jwt.NewID()[:21]
		case 3:
			h.sid = r.ID
		}
		e := revocation.Entry{Cursor: revocation.Cursor{Epoch: 1, Seq: uint64(i + 1)}, At: start, Rule: r}
		if err := h.index.Apply(e); err != nil {
			return h, err
		}
	}
	h.filled = measure.CPU() - used
	h.perID = float64(heap()-before) / float64(n)
	if h.index.Rules() != n {
		return h, fmt.Errorf("%d rules of %d are kept", h.index.Rules(), n)
	}
	return h, nil
}

func scopeOf(i int) revocation.Scope {
	switch {
	case i%1000 == 999:
		return revocation.ScopeTenant
	case i%4 == 0:
		return revocation.ScopeSubject
	case i%4 == 1:
		return revocation.ScopeToken
	}
	return revocation.ScopeSession
}

// heap is what is in use after a collection.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A stream is one token after the other that no rule names, signed after all
// of the rules. Their IDs are pieces of one short text, so that the tokens
// themselves stay in the nearest cache, as those of a request just verified do.
type stream struct {
	text  string
	query revocation.Query
}

// tokens in a stream: with four look-ups each, several for every cache line of
// the largest table that is promised anything.
const tokens = 1 << 15

func newStream() *stream {
	text := make([]byte, 0, tokens+22)
	for len(text) < tokens+22 {
		text = append(text, jwt.NewID()...)
	}
	return &stream{string(text), revocation.Query{
		Issuer: issuer, KeyID: jwt.NewID() + jwt.NewID()[:21], HasRev: true, Rev: revocation.Cursor{Epoch: 1, Seq: 1 << 30}, IssuedAt: start,
	}}
}

func (s *stream) id(n int) string { n &= tokens - 1; return s.text[n : n+22] }

// next is the n-th token.
func (s *stream) next(n int) *revocation.Query {
	s.query.ID, s.query.SessionID, s.query.Subject, s.query.Tenant = s.id(n), s.id(n+tokens/4), s.id(n+tokens/2), s.id(n+3*tokens/4)
	return &s.query
}

// falseRefusals asks about n tokens, each with IDs of its own, and counts
// those that are refused. The IDs come from a generator that was seeded by the
// system; the table's hash has another seed.
func falseRefusals(x *revocation.Index, n int) (int, error) {
	var seed [32]byte
	if _, err := crand.Read(seed[:]); err != nil {
		return 0, err
	}
	random, now, refused := rand.NewChaCha8(seed), time.Now(), 0
	var ids [4][22]byte
	for range n {
		for i := range ids {
			spell(&ids[i], random.Uint64(), random.Uint64())
		}
		q := revocation.Query{
			Issuer: issuer, ID: string(ids[0][:]), SessionID: string(ids[1][:]), Subject: string(ids[2][:]), Tenant: string(ids[3][:]),
			KeyID: "key", HasRev: true, Rev: revocation.Cursor{Epoch: 1, Seq: 1 << 30},
		}
		if x.Check(now, &q).Action != revocation.None {
			refused++
		}
	}
	return refused, nil
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// spell writes 128 bits as an ID of 22 characters.
func spell(id *[22]byte, hi, lo uint64) {
	for i := range 10 {
		id[i], id[10+i] = alphabet[hi>>(6*i)&63], alphabet[lo>>(6*i)&63]
	}
	id[20] = alphabet[hi>>60|lo>>60&3<<4]
	id[21] = alphabet[lo>>62<<4]
}
