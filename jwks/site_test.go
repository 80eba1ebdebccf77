package jwks_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jotkeeper/jotkeeper/jwks"
	"github.com/jotkeeper/jotkeeper/jwt"
)

const keysURL = issuer + "/keys"

// A site is the network: it answers each request by a function, without
// sockets, so that a synctest bubble can tell when everybody waits.
type site struct {
	mu       sync.Mutex
	requests []string // the URLs, in order
	answer   func(*http.Request) (*http.Response, error)
	read     int64 // bytes of bodies that were read
}

func (s *site) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.requests = append(s.requests, r.URL.String())
	answer := s.answer
	s.mu.Unlock()
	resp, err := answer(r)
	if err != nil {
		return nil, err
	}
	resp.Request, resp.Proto, resp.ProtoMajor, resp.ProtoMinor = r, "HTTP/1.1", 1, 1
	resp.Body = &metered{resp.Body, s}
	return resp, nil
}

type metered struct {
	io.ReadCloser
	site *site
}

func (m *metered) Read(p []byte) (int, error) {
	n, err := m.ReadCloser.Read(p)
	m.site.mu.Lock()
	m.site.read += int64(n)
	m.site.mu.Unlock()
	return n, err
}

// serve changes what the site answers from now on.
func (s *site) serve(answer func(*http.Request) (*http.Response, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

// count returns how many requests there were.
func (s *site) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.requests)
}

func (s *site) client() *http.Client { return &http.Client{Transport: s} }

func respond(status int, body string, header ...string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		resp := &http.Response{StatusCode: status, Status: http.StatusText(status), Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
		for i := 0; i < len(header); i += 2 {
			resp.Header.Set(header[i], header[i+1])
		}
		return resp, nil
	}
}

// publish answers with the set of these keys, fresh for five minutes.
func publish(t testing.TB, keys ...*jwt.PrivateKey) func(*http.Request) (*http.Response, error) {
	t.Helper()
	var list []any
	for _, k := range keys {
		list = append(list, jwk(t, k))
	}
	return respond(200, string(document(t, list...)), "Cache-Control", "public, max-age=300", "Content-Type", "application/jwk-set+json")
}

// remote starts a Remote of the site and waits for its first fetch.
func remote(t testing.TB, s *site, change ...func(*jwks.RemoteConfig)) *jwks.Remote {
	t.Helper()
	cfg := jwks.RemoteConfig{URL: keysURL, Client: s.client()}
	for _, c := range change {
		c(&cfg)
	}
	r, err := jwks.NewRemote(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	synctest.Wait()
	return r
}

// pass lets time go by, in the bubble, and all that is due happen.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// accepts reports the reason for which the verifier refuses a token, "" for none.
func reason(t testing.TB, v *jwt.Verifier[jwt.Access], raw string) jwt.Reason {
	t.Helper()
	_, err := v.Verify(t.Context(), time.Now(), raw)
	return jwt.ReasonOf(err)
}

// A dripping body gives a byte a second, for as long as anybody listens.
func dripping(r *http.Request) (*http.Response, error) {
	body, w := io.Pipe()
	go func() {
		for {
			select {
			case <-r.Context().Done():
				w.CloseWithError(r.Context().Err())
				return
			case <-time.After(time.Second):
				w.Write([]byte(" "))
			}
		}
	}()
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: body}, nil
}

func hanging(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func refusing(*http.Request) (*http.Response, error) {
	return nil, errors.New("connection refused")
}

// endless is a body without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return copy(p, bytes.Repeat([]byte(" "), len(p))), nil }
func (endless) Close() error               { return nil }

func flooding(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: endless{}}, nil
}
