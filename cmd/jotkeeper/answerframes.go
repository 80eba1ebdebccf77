package main

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"net/http"
	"strings"

	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/internal/conformance"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// frames lets our follower read them from a stream whose origin is no further away
// than a function, and tells where it stands.
func (v *answerer) frames(a *conformance.Answer, r *conformance.Request) error {
	text, err := hex.DecodeString(r.Frames)
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(v.ctx)
	defer end()
	index := revocation.NewIndex(r.Issuer)
	client, err := feed.NewClient(feed.ClientConfig{
		Issuer: r.Issuer, URL: "http://localhost", Token: "none", Index: index, Transport: framesAlone{r, text, end},
	})
	if err != nil {
		return err
	}
	if err := client.Follow(ctx); v.ctx.Err() != nil {
		return err
	}
	decided(a, index, r, false)
	a.Stale, a.Cursor = nil, index.Cursor().String()
	return nil
}

// framesAlone is an origin with one stream, which ends the following.
type framesAlone struct {
	r    *conformance.Request
	text []byte
	end  context.CancelFunc
}

func (o framesAlone) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Path, "/stream") {
		rest := *o.r
		rest.Entries = nil
		return entriesAlone{&rest, o.r.Cursor, func() {}}.RoundTrip(r)
	}
	said := append(greetingFrame(o.r.Issuer, o.r.Boot, r.URL.Query().Get("nonce")), o.text...)
	return response(r, "application/vnd.jotkeeper.revocations", string(said), o.end), nil
}

// greetingFrame greets on a stopwatch that has just begun.
func greetingFrame(issuer, boot, nonce string) []byte {
	b := []byte{0, 0, 0, 0, 1, 1}
	for _, s := range []string{issuer, boot, nonce} {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	b = append(b, 0, 0)
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}
