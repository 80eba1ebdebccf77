package feed

import (
	"errors"
	"io"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/jotkeeper/jotkeeper/revocation"
)

// Direct is the transport of a client that was given none.
var Direct = direct

// Encode writes an entry as the wire has it.
var Encode = encode

// Decode reads an entry of an epoch.
func Decode(text []byte, epoch uint64) (revocation.Entry, error) {
	var e entry
	if err := read(text, &e); err != nil {
		return revocation.Entry{}, err
	}
	return e.rule(epoch)
}

// Tidied lets a follower look at a wall clock again and again, and tells whether
// it would read everything again.
func Tidied(index *revocation.Index, from time.Time, clock ...time.Duration) bool {
	f := &follower{index: index}
	for _, at := range clock {
		f.tidy(from.Add(at))
	}
	return f.cold
}

// FramesType is the name of the frames.
const FramesType = framesType

// ReadFrame reads a frame and tells what it says as an event says it.
func ReadFrame(r io.Reader) (event string, err error) {
	kind, body, err := readFrame(r)
	if err != nil {
		return "", err
	}
	if kind == helloFrame {
		h, err := parseHello(body)
		return "event: hello|data: " + text(h), err
	}
	if kind != wordFrame {
		return "", errUnexpected
	}
	to, w, err := parseWord(body)
	s := slice{to: to, whole: w.AsOf != nil}
	if s.whole {
		s.asOf = time.Duration(*w.AsOf) * time.Millisecond
	}
	for _, e := range w.Entries {
		s.lines = append(s.lines, line{text: []byte(text(e))})
	}
	return "id: " + to.String() + "|data: " + string(appendWord(nil, w.Boot, s)), err
}

// WriteFrame writes what an event says as a frame.
func WriteFrame(event string) ([]byte, error) {
	head, data, _ := strings.Cut(event, "|data: ")
	if head == "event: hello" {
		var h hello
		err := read([]byte(data), &h)
		return appendHello(nil, h), err
	}
	to, err := revocation.ParseCursor(strings.TrimPrefix(head, "id: "))
	var w word
	if err = errors.Join(err, read([]byte(data), &w)); err != nil {
		return nil, err
	}
	s := slice{to: to, whole: w.AsOf != nil}
	if s.whole {
		s.asOf = time.Duration(*w.AsOf) * time.Millisecond
	}
	for _, e := range w.Entries {
		before, _ := revocation.ParseCursor(e.Before)
		s.lines = append(s.lines, line{frame: frameOf(e, before)})
	}
	return appendWordFrame(nil, w.Boot, s), nil
}

func text(v any) string {
	out, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(out)
}
