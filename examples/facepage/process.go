package facepage

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"sync"
)

// Orders is what a part is told on its standard input, as one line of JSON.
// Secrets come this way because arguments and variables show in process lists.
// The input then stays open: when it ends, whoever started the part is gone.
type Orders struct {
	Addr     string `json:"addr"`               // to listen on
	Issuer   string `json:"issuer,omitempty"`   // whose tokens are taken
	Audience string `json:"audience"`           // the aud of the tokens
	Follow   string `json:"follow"`             // the credential of the revocation feed
	Desk     string `json:"desk,omitempty"`     // the credential of the account server's own routes
	Pages    string `json:"pages,omitempty"`    // the origin of the links in mails
	DataDir  string `json:"data_dir,omitempty"` // of the account server, which removes it at the end
}

// A Process is a part that runs as a child, and is started again when it dies.
type Process struct {
	Name    string
	Lines   *Lines
	Command func(context.Context) *exec.Cmd // the part's command line, of exec.CommandContext
	Died    func(text string)

	mu     sync.Mutex
	url    string
	pid    int
	starts int
}

// A State is what is known of a process.
type State struct {
	URL    string
	PID    int // 0: it does not run at this moment
	Starts int // how often it was started
}

// State returns the state of this moment.
func (p *Process) State() State {
	p.mu.Lock()
	defer p.mu.Unlock()
	return State{p.url, p.pid, p.starts}
}

// Run starts the part, tells the URL at which it is ready, and keeps it running
// until ctx ends. A part that dies is started again at the address that it had.
// One that dies before it was ready would do so again: Run returns why.
func (p *Process) Run(ctx context.Context, orders Orders, ready func(url string)) error {
	for {
		got, err := p.once(ctx, orders, ready)
		switch {
		case ctx.Err() != nil:
			return nil
		case got == "":
			return fmt.Errorf("the %s does not start: %w", p.Name, p.why(err))
		}
		p.Died(fmt.Sprintf("the %s died (%s) and is started again", p.Name, endOf(err)))
		orders.Addr = strings.TrimPrefix(got, "http://")
	}
}

func endOf(err error) string {
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}

// why adds the last thing that the part said.
func (p *Process) why(err error) error {
	if said := p.Lines.since(0); len(said) > 0 {
		return fmt.Errorf("%s: %s", endOf(err), said[len(said)-1])
	}
	return err
}

// once runs the part to its end, and returns the URL at which it was ready.
func (p *Process) once(ctx context.Context, orders Orders, ready func(url string)) (url string, err error) {
	cmd := p.Command(ctx)
	in, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	cmd.Cancel, cmd.WaitDelay = in.Close, patience // it hears the end of its input, and is killed if it does nothing about it
	reader, writer := io.Pipe()
	cmd.Stdout, cmd.Stderr = writer, writer
	if err := cmd.Start(); err != nil {
		return "", err
	}
	p.note(func() { p.pid, p.starts = cmd.Process.Pid, p.starts+1 })
	heard := make(chan string, 1)
	go func() { heard <- p.hear(reader, ready) }()
	_ = json.NewEncoder(in).Encode(orders) // if it is dead already, Wait says so
	err = cmd.Wait()
	writer.Close()
	p.note(func() { p.pid = 0 })
	return <-heard, err
}

func (p *Process) note(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

var readyLine = regexp.MustCompile(`^jotkeeper: ready on (\S+) in `)

// hear keeps what the part says, and returns the URL at which it was ready.
func (p *Process) hear(said io.Reader, ready func(url string)) (url string) {
	lines := bufio.NewReader(said)
	for {
		line, err := lines.ReadString('\n')
		fmt.Fprint(p.Lines, line)
		if m := readyLine.FindStringSubmatch(line); m != nil {
			url = m[1]
			p.note(func() { p.url = url })
			ready(url)
		}
		if err != nil {
			return url
		}
	}
}
