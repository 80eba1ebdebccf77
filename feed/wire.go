package feed

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/jotkeeper/jotkeeper/revocation"
)

// version is of the format. What a reader of this version may ignore can be
// added to it; what it must not ignore is a new version, scope or action.
const version = 1

const (
	prefix     = "/revocation/v1"
	discovery  = "/.well-known/revocation-feed"
	streamType = "text/event-stream"
	linesType  = "application/x-ndjson"
	page       = 1000      // entries per Read, and per word
	maxWord    = 256 << 10 // bytes of entries in one word, unless one alone is longer
	maxLine    = 1 << 20   // bytes that a client takes for one line, and for one event
)

// What an origin may announce as MaxStale, and a follower believes.
const (
	minStale = time.Second // a healthy stream is silent for up to a beat, and a round trip
	maxStale = time.Hour
)

// A document is what discovery tells. Its places are relative to its own
// address, so a client that was given an inner address stays inside.
type document struct {
	Version   int      `json:"v"`
	Issuer    string   `json:"issuer"`
	Epoch     uint64   `json:"epoch,omitzero"` // absent while the origin does not know
	Stream    string   `json:"stream"`
	Events    string   `json:"events"`
	Snapshot  string   `json:"snapshot"`
	Acks      string   `json:"acks,omitzero"`
	Followers string   `json:"followers,omitzero"`
	Rules     string   `json:"rules,omitzero"` // absent: nothing is appended here
	Check     string   `json:"check,omitzero"`
	Sightings string   `json:"sightings,omitzero"` // absent: none are taken
	Settle    int64    `json:"settle_s,omitzero"`
	Formats   []string `json:"formats"`
	Beat      int64    `json:"beat_ms"`
	MaxStale  int64    `json:"max_stale_ms"`
	Retention int64    `json:"retention_s"`
}

// hello is the first event of a stream, and the answer to a nonce.
type hello struct {
	Version int    `json:"v"`
	Issuer  string `json:"issuer"`
	Boot    string `json:"boot"`
	Now     int64  `json:"now"` // ms on the stopwatch of that boot
	Nonce   string `json:"nonce"`
	Beat    int64  `json:"beat_ms"`
}

// A word is every other event: entries, or nothing but a sign of life.
type word struct {
	Boot    string  `json:"boot"`
	AsOf    *int64  `json:"t"` // ms: what the log held then has been sent; absent: more follows
	Entries []entry `json:"e"`
}

// The first and the last line of a snapshot; between them stand entries.
type (
	preamble struct {
		Version int    `json:"v"`
		Issuer  string `json:"issuer"`
		Cursor  string `json:"cursor"`
	}
	ending struct {
		Count *int `json:"end"`
	}
)

// An entry is a revocation.Entry on the wire. Times are ms since 1970.
type entry struct {
	Seq    uint64 `json:"s"`
	Scope  string `json:"k"`
	ID     string `json:"id"`
	Action string `json:"a"`
	Before string `json:"b,omitzero"`
	At     int64  `json:"at,omitzero"`
	From   int64  `json:"f,omitzero"`
	Until  int64  `json:"u,omitzero"`
	Reason string `json:"r,omitzero"`
}

// encode writes an entry. A millisecond is coarser than what stores keep, so
// each time is rounded to where the rule reaches further.
func encode(e revocation.Entry) ([]byte, error) { return json.Marshal(entryOf(e)) }

func entryOf(e revocation.Entry) entry {
	out := entry{
		Seq: e.Cursor.Seq, Scope: string(e.Rule.Scope), ID: e.Rule.ID, Action: e.Rule.Action.String(),
		At: ceil(e.At), From: floor(e.Rule.From), Until: ceil(e.Rule.Until),
		Reason: strings.ToValidUTF8(e.Rule.Reason, "\uFFFD"), // for people; JSON has no other text (RFC 8259 §8.1)
	}
	if e.Rule.Before != (revocation.Cursor{}) {
		out.Before = e.Rule.Before.String()
	}
	return out
}

// floor and ceil keep 0 for the time that was not given.
func floor(t time.Time) int64 {
	if t.IsZero() || t.UnixMilli() <= 0 {
		return 0 // in force from 1970 on is in force at once
	}
	return t.UnixMilli()
}

func ceil(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	ms := t.UnixMilli()
	if t.After(time.UnixMilli(ms)) {
		ms++
	}
	return max(ms, 1)
}

// rule reads an entry of an epoch. A scope or an action that is not known here
// stays unknown: the index refuses it, and says which entry it was.
func (e entry) rule(epoch uint64) (revocation.Entry, error) {
	out := revocation.Entry{
		Cursor: revocation.Cursor{Epoch: epoch, Seq: e.Seq}, At: moment(e.At),
		Rule: revocation.Rule{
			Scope: revocation.Scope(e.Scope), ID: e.ID, Action: action(e.Action),
			From: moment(e.From), Until: moment(e.Until), Reason: e.Reason,
		},
	}
	if e.Before == "" {
		return out, nil
	}
	var err error
	out.Rule.Before, err = revocation.ParseCursor(e.Before)
	return out, err
}

const unknownAction = revocation.Action(255)

func action(name string) revocation.Action {
	for _, a := range []revocation.Action{revocation.Rotate, revocation.Revoke} {
		if a.String() == name {
			return a
		}
	}
	return unknownAction
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// read parses one JSON value strictly: no duplicate member, no invalid UTF-8
// (RFC 8259 §4, §8.1). Members that it does not know it ignores.
func read(data []byte, into any) error {
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%w: %d bytes that are not the JSON of this version", ErrProtocol, len(data))
	}
	return nil
}

// appendWord writes a word of encoded entries.
func appendWord(b []byte, boot string, s slice) []byte {
	b = append(b, `{"boot":"`...)
	b = append(b, boot...)
	b = append(b, '"')
	return append(appendEntries(b, s), '}')
}

// appendEntries writes the members t and e of a word.
func appendEntries(b []byte, s slice) []byte {
	if s.whole {
		b = append(b, `,"t":`...)
		b = strconv.AppendInt(b, s.asOf.Milliseconds(), 10)
	}
	b = append(b, `,"e":[`...)
	for i, l := range s.lines {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, l.text...)
	}
	return append(b, ']')
}
