package facepage

import (
	"bytes"
	"context"
	"strings"
	"sync"
)

// keepLines is how many lines of a process are remembered.
const keepLines = 2000

// Lines keeps the last lines that a process wrote. It is an io.Writer, safe for
// concurrent use.
type Lines struct {
	mu    sync.Mutex
	list  []string
	first int // number of list[0], since the beginning
	rest  []byte
	more  chan struct{} // closed when a line is added
}

// NewLines returns Lines with nothing in them.
func NewLines() *Lines { return &Lines{more: make(chan struct{})} }

// Write adds whole lines, and keeps what is no whole line yet.
func (l *Lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	for {
		line, rest, whole := bytes.Cut(l.rest, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		l.add(string(line))
		l.rest = rest
	}
}

func (l *Lines) add(line string) {
	if strings.TrimSpace(line) == "" {
		return
	}
	l.list = append(l.list, line)
	if over := len(l.list) - keepLines; over > 0 {
		l.list, l.first = l.list[over:], l.first+over
	}
	close(l.more)
	l.more = make(chan struct{})
}

// mark is the number of the next line.
func (l *Lines) mark() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.first + len(l.list)
}

// since returns the lines from a mark on.
func (l *Lines) since(mark int) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.list[min(max(0, mark-l.first), len(l.list)):]...)
}

// await waits until a line since mark holds text, or ctx ends.
func (l *Lines) await(ctx context.Context, mark int, text string) {
	for {
		l.mu.Lock()
		more := l.more
		l.mu.Unlock()
		for _, line := range l.since(mark) {
			if strings.Contains(line, text) {
				return
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-more:
		}
	}
}

// String returns the lines that are kept.
func (l *Lines) String() string { return strings.Join(l.since(0), "\n") }
