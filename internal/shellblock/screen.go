package shellblock

import (
	"context"
	"errors"
	"io"
	"sync"
)

// errEnded says that nothing will be printed any more.
var errEnded = errors.New("the terminal ended")

// A screen collects what a terminal prints. It reads all the time, so that a
// talkative background command never waits for a reader.
type screen struct {
	mu    sync.Mutex
	text  []byte
	grown chan struct{} // holds one signal
	ended chan struct{}
}

func watch(r io.Reader) *screen {
	s := &screen{grown: make(chan struct{}, 1), ended: make(chan struct{})}
	go s.read(r)
	return s
}

func (s *screen) read(r io.Reader) {
	defer close(s.ended)
	buf := make([]byte, 4096)
	for {
		n, err := r.Read(buf)
		s.mu.Lock()
		s.text = append(s.text, buf[:n]...)
		s.mu.Unlock()
		select {
		case s.grown <- struct{}{}:
		default: // the waiter has a signal already
		}
		if err != nil {
			return
		}
	}
}

// all returns what has been printed so far.
func (s *screen) all() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.text)
}

// clear forgets what has been printed.
func (s *screen) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text = nil
}

// await returns once enough says that the text will do.
func (s *screen) await(ctx context.Context, enough func(text string) bool) error {
	for {
		ended := s.hasEnded() // asked first: the text is complete after the end
		if enough(s.all()) {
			return nil
		}
		if ended {
			return errEnded
		}
		select {
		case <-s.grown:
		case <-s.ended:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *screen) hasEnded() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}
