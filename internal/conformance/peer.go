package conformance

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// maxAnswer bounds a line of the implementation, in bytes.
const maxAnswer = 64 << 10

// A peer is the implementation: a process, and a new one after each trouble.
type peer struct {
	command            []string
	deadline, patience time.Duration
	process            *process
	version            int      // of the protocol that it speaks
	offers             []string // the optional groups that it wants to be asked
}

type process struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	lines  chan string // closed once it says no more
	long   bool        // it ended in a line without an end; read once lines is closed
	end    context.CancelFunc
	stderr *tail
}

func (p *peer) start(ctx context.Context) error {
	ctx, end := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, p.command[0], p.command[1:]...)
	cmd.WaitDelay = time.Second // for grandchildren that hold the pipes
	q := &process{cmd: cmd, lines: make(chan string), end: end, stderr: &tail{}}
	cmd.Stderr = q.stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		end()
		return fmt.Errorf("%w: %w", ErrStart, err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		end()
		return fmt.Errorf("%w: %w", ErrStart, err)
	}
	q.in, p.process = in, q
	go q.read(ctx, out)
	return nil
}

func (q *process) read(ctx context.Context, out io.Reader) {
	defer close(q.lines)
	s := bufio.NewScanner(out)
	s.Buffer(nil, maxAnswer)
	for s.Scan() {
		select {
		case q.lines <- s.Text():
		case <-ctx.Done():
			return
		}
	}
	q.long = errors.Is(s.Err(), bufio.ErrTooLong)
}

// stop ends the process. Its input ends too: a wrapper that is killed leaves its
// child behind.
func (p *peer) stop() {
	if p.process == nil {
		return
	}
	q := p.process
	p.process = nil
	q.in.Close()
	q.end()
	_ = q.cmd.Wait()
	for range q.lines { // until the reader has seen it
	}
}

// ask sends a request and returns its answer; else a failure, after which the
// next request goes to a new process.
func (p *peer) ask(ctx context.Context, r Request) (*Answer, *Failure) {
	r.Version = p.version
	line, err := json.Marshal(r)
	if err != nil {
		return nil, unanswered("the case cannot be written: "+err.Error(), "an issue: this is our mistake")
	}
	if p.process == nil {
		if err := p.start(ctx); err != nil {
			return nil, unanswered(err.Error(), "the command by itself")
		}
	}
	q := p.process
	sent := make(chan error, 1)
	go func() {
		_, err := q.in.Write(append(line, '\n'))
		sent <- err
	}()
	text, open, late := "", false, time.NewTimer(p.deadline)
	defer late.Stop()
	select {
	case text, open = <-q.lines:
	case <-late.C:
		p.stop()
		return nil, unanswered(fmt.Sprintf("nothing within %v", p.deadline), "an answer to every line, flushed at once; --deadline if it is slow")
	case <-ctx.Done():
		return nil, unanswered(ctx.Err().Error(), "")
	}
	if !open {
		return nil, p.died(q)
	}
	return p.read(r, text)
}

// died tells how a process ended that owed an answer.
func (p *peer) died(q *process) *Failure {
	p.process = nil
	q.in.Close()
	kill := time.AfterFunc(time.Second, q.end) // it may have closed its stdout alone
	err := q.cmd.Wait()
	kill.Stop()
	q.end()
	if q.long {
		return unanswered(fmt.Sprintf("a line of more than %d bytes", maxAnswer), "one JSON object per line on stdout, and nothing else")
	}
	got := "the process ended"
	if err != nil {
		got += ", " + err.Error()
	}
	if said := q.stderr.last(); said != "" {
		got += ": " + said
	}
	return unanswered(got, "a refusal where it threw: no input may end a verifier")
}

// read makes sense of a line. Garbage is not read on: nobody knows which line
// belongs to which case.
func (p *peer) read(r Request, text string) (*Answer, *Failure) {
	var a Answer
	d := json.NewDecoder(strings.NewReader(text))
	err := d.Decode(&a)
	if err == nil && d.More() {
		err = errors.New("more than one value")
	}
	if err != nil {
		p.stop()
		return nil, unanswered("a line that is no answer: "+clip(text), "one JSON object per line on stdout, and nothing else; talk goes to stderr")
	}
	if a.Case != r.Case {
		p.stop()
		return nil, unanswered(fmt.Sprintf("an answer to %q", clip(a.Case)), "the member case as it was asked, one answer per line, in order")
	}
	return &a, nil
}

func unanswered(got, try string) *Failure {
	return &Failure{Class: Silent, Want: "an answer", Got: got, Try: try}
}

func clip(s string) string {
	if len(s) > 120 {
		return s[:120] + "…"
	}
	return s
}

// A tail keeps the end of what a process says on stderr.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	if cut := len(t.text) - 4096; cut > 0 {
		t.text = t.text[cut:]
	}
	return len(b), nil
}

// last returns the last line that says something.
func (t *tail) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := bytes.Split(bytes.TrimSpace(t.text), []byte("\n"))
	return clip(string(bytes.TrimSpace(lines[len(lines)-1])))
}
