package feed_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/revocation"
)

type frameVector struct{ Name, Hex, Event string }

func frameVectors(t testing.TB) []frameVector {
	t.Helper()
	var spec struct{ Frames []frameVector }
	text, err := os.ReadFile("../docs/spec/vectors/revocation-frames.json")
	if err == nil {
		err = json.Unmarshal(text, &spec)
	}
	if err != nil || len(spec.Frames) < 15 {
		t.Fatalf("%d frames: the file lost some; %v", len(spec.Frames), err)
	}
	return spec.Frames
}

// A frame says what an event says, and there is one way to write it.
func TestFrameVectorsOfTheSpecification(t *testing.T) {
	for _, v := range frameVectors(t) {
		raw, err := hex.DecodeString(v.Hex)
		if err != nil {
			t.Fatal(v.Name, err)
		}
		got, err := feed.ReadFrame(bytes.NewReader(raw))
		switch {
		case v.Event == "":
			if !errors.Is(err, feed.ErrProtocol) && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s: %s, %v; want it refused", v.Name, got, err)
			}
			continue
		case err != nil || got != v.Event:
			t.Errorf("%s: %v\ngot  %s\nwant %s", v.Name, err, got, v.Event)
		}
		if again, err := feed.WriteFrame(v.Event); err != nil || !bytes.Equal(again, raw) {
			t.Errorf("%s is written as %x, %v", v.Name, again, err)
		}
	}
}

// One story for two services, of which one hears events and one frames.
func TestBothFormatsTellTheSameStory(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log := newBook(ended("old"))
		s.origin(log)
		framed := &kinds{next: s.transport()}
		events := &kinds{next: s.transport(), accept: "text/event-stream"}
		a := s.verifier(func(c *feed.ClientConfig) { c.Transport = framed })
		b := s.verifier(func(c *feed.ClientConfig) { c.Transport = events })
		now := time.Now()
		log.append(
			revocation.Rule{Scope: "jti", ID: "t", Action: revocation.Revoke},
			revocation.Rule{Scope: "sub", ID: "42", Action: revocation.Rotate, From: now.Add(time.Second), Until: now.Add(time.Hour), Reason: "rights"},
			revocation.Rule{Scope: "tid", ID: "acme €", Action: revocation.Revoke, Until: now.Add(time.Hour)},
			revocation.Rule{Scope: "kid", ID: "k", Action: revocation.Revoke, Reason: "key"},
		)
		for range 2500 {
			log.append(ended("phone"))
		}
		pass(time.Second)
		rules := func(v *verifier) []revocation.Rule {
			list := v.Live(time.Now())
			slices.SortFunc(list, func(x, y revocation.Rule) int { return strings.Compare(string(x.Scope)+x.ID, string(y.Scope)+y.ID) })
			return list
		}
		if got, want := rules(a), rules(b); len(got) != 6 || !slices.Equal(got, want) {
			t.Errorf("in frames %+v\nin events %+v", got, want)
		}
		for name, v := range map[string]*verifier{"frames": a, "events": b} {
			if v.Cursor() != (revocation.Cursor{Epoch: 1, Seq: 2505}) || v.stale() || v.client.Stats().Streams != 1 || v.client.Stats().Failures != 0 {
				t.Errorf("%s: %v, %+v", name, v.Cursor(), v.client.Stats())
			}
		}
		if framed.stream != feed.FramesType || events.stream != "text/event-stream" {
			t.Errorf("the client that may choose was sent %s, the other %s", framed.stream, events.stream)
		}
		log.append(revocation.Rule{Scope: "planet", ID: "earth", Action: revocation.Revoke}, ended("laptop"))
		pass(3 * time.Second)
		for name, v := range map[string]*verifier{"frames": a, "events": b} {
			if v.Cursor().Seq != 2505 || !v.stale() || !v.refuses("laptop") || !strings.Contains(v.client.Stats().Trouble, "does not understand") {
				t.Errorf("%s, after what is not understood: %v, %+v", name, v.Cursor(), v.client.Stats())
			}
		}
	})
}

// kinds notes in which format a stream comes, and can ask for one.
type kinds struct {
	next           http.RoundTripper
	accept, stream string
}

func (k *kinds) RoundTrip(r *http.Request) (*http.Response, error) {
	stream := strings.HasSuffix(r.URL.Path, "/stream")
	if stream && k.accept != "" {
		r.Header.Set("Accept", k.accept)
	}
	res, err := k.next.RoundTrip(r)
	if stream && err == nil {
		k.stream = res.Header.Get("Content-Type")
	}
	return res, err
}

// Every bit counts: a frame that was changed on the way is none, and ends the
// stream; the follower comes back and goes on.
func TestAFrameThatWasChangedIsRefused(t *testing.T) {
	good, err := feed.WriteFrame(`id: 3:8|data: {"boot":"B","t":7,"e":[{"s":8,"k":"sid","id":"phone","a":"revoke"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	for bit := range 8 * len(good) {
		bad := bytes.Clone(good)
		bad[bit/8] ^= 1 << (bit % 8)
		if got, err := feed.ReadFrame(bytes.NewReader(bad)); err == nil {
			t.Errorf("bit %d changed: %s", bit, got)
		}
	}
	for n := range good {
		if got, err := feed.ReadFrame(bytes.NewReader(good[:n])); err == nil || n > 0 && errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut after %d bytes: %s, %v", n, got, err)
		}
	}
	evening(t, func(t *testing.T, s *site) {
		log := newBook()
		s.origin(log)
		flip := &flipper{next: s.transport()}
		v := s.verifier(func(c *feed.ClientConfig) { c.Transport = flip })
		flip.armed = true
		log.append(ended("phone"))
		pass(2 * time.Second)
		if st := v.client.Stats(); !v.refuses("phone") || st.Streams != 2 || st.Failures != 1 || v.stale() {
			t.Errorf("%+v", st)
		}
	})
}

// A flipper changes one bit of a stream, once.
type flipper struct {
	next  http.RoundTripper
	armed bool
}

type flipped struct {
	io.ReadCloser
	f *flipper
}

func (b flipped) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 && b.f.armed {
		b.f.armed = false
		p[n/2] ^= 4
	}
	return n, err
}

func (f *flipper) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := f.next.RoundTrip(r)
	if err == nil && strings.HasSuffix(r.URL.Path, "/stream") {
		res.Body = flipped{res.Body, f}
	}
	return res, err
}

// Whatever is read as a frame is written again, byte for byte.
func FuzzFrame(f *testing.F) {
	for _, v := range frameVectors(f) {
		raw, err := hex.DecodeString(v.Hex)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		in := bytes.NewReader(raw)
		event, err := feed.ReadFrame(in)
		if err != nil {
			return
		}
		raw = raw[:len(raw)-in.Len()]
		if again, err := feed.WriteFrame(event); err != nil || !bytes.Equal(again, raw) {
			t.Fatalf("%x says %s, which is written %x, %v", raw, event, again, err)
		}
	})
}
