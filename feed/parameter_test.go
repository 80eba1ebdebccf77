package feed_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// An endless body is a form's file that never ends. It counts what is read of it.
type endless struct {
	head io.Reader
	read int
}

func (e *endless) Read(p []byte) (int, error) {
	n, err := e.head.Read(p)
	if err != nil {
		n = len(p)
	}
	if e.read += n; e.read > 1<<20 {
		return 0, io.ErrUnexpectedEOF // enough is seen
	}
	return n, nil
}

// A203: parameters stand in the address. A form with a file that is sent along
// is read by nobody: it would fill the memory, and then the disk.
func TestA203NoBodyIsReadForAParameter(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log := newBook(ended("old"))
		o := s.origin(log, log.appends)
		for _, c := range []struct {
			method, path, token string
			status              int
		}{
			{"GET", "stream?after=7:1", credential, 410},
			{"GET", "stream", credential, 400},
			{"GET", "events?after=1:0", credential, 200},
			{"POST", "rules?wait=connected&timeout=1", pushing, 415},
		} {
			body := &endless{head: strings.NewReader("--x\r\nContent-Disposition: form-data; name=\"after\"; filename=\"f\"\r\n\r\n")}
			ctx, cancel := context.WithCancel(t.Context())
			r := httptest.NewRequestWithContext(ctx, c.method, issuer+"/revocation/v1/"+c.path, body)
			r.Header.Set("Authorization", "Bearer "+c.token)
			r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
			w := httptest.NewRecorder()
			o.ServeHTTP(w, r)
			cancel()
			if body.read > 0 || w.Code != c.status {
				t.Errorf("%s %s: %d after %d bytes of the body, want %d after none", c.method, c.path, w.Code, body.read, c.status)
			}
		}
		if n := o.Followers(); n != 0 {
			t.Errorf("%d followers", n)
		}
	})
}

// A parameter in the body of a form is none.
func TestAFormIsNoAddress(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log := newBook()
		o := s.origin(log, log.appends)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, issuer+"/revocation/v1/rules", strings.NewReader("timeout=99"))
		r.Header.Set("Authorization", "Bearer "+pushing)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		o.ServeHTTP(w, r)
		if w.Code != http.StatusUnsupportedMediaType {
			t.Errorf("%d, want 415: the body is no address", w.Code)
		}
	})
}
