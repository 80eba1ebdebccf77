package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"time"
)

// An order is what a child is told to do.
type order struct {
	Do    string
	Addr  string        `json:",omitempty"`
	File  string        `json:",omitempty"`
	N     int           `json:",omitempty"`
	Limit time.Duration `json:",omitempty"`
	IDs   []string      `json:",omitempty"`
}

// A report is what it answers. Moments are those of clock.
type report struct {
	Began int64         `json:",omitempty"`
	At    []int64       `json:",omitempty"` // one for each verifier; 0: never
	N     int           `json:",omitempty"` // appended, or accepted that should not be
	Took  time.Duration `json:",omitempty"`
}

// A child is this program in another process. It ends with its input.
type child struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	said io.Reader
	out  *json.Decoder // of what it said
	say  *json.Encoder
}

func spawn(role string, args ...string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.Command(self, append([]string{"-role", role}, args...)...)}
	c.cmd.Stderr = os.Stderr
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if c.said, err = c.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	c.out, c.say = json.NewDecoder(c.said), json.NewEncoder(c.in)
	return c, c.cmd.Start()
}

func (c *child) tell(o order) error { return c.say.Encode(o) }

func (c *child) hear() (r report, err error) {
	if err = c.out.Decode(&r); err != nil {
		err = fmt.Errorf("%v says nothing more: %w", c.cmd.Args[1:], err)
	}
	return r, err
}

func (c *child) ask(o order) (report, error) {
	if err := c.tell(o); err != nil {
		return report{}, err
	}
	return c.hear()
}

// kill is the end that nobody can prepare for.
func (c *child) kill() error {
	if err := c.cmd.Process.Kill(); err != nil {
		return err
	}
	return c.gone()
}

func (c *child) close() error { return errors.Join(c.in.Close(), c.gone()) }

// gone waits for the end, of which a kill is one.
func (c *child) gone() error {
	err := c.cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && !exit.Exited() {
		return nil
	}
	return err
}

// obey is a child's life: it does what it is told until its input ends.
func obey(do func(order) (report, error)) error {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var o order
		if err := in.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		r, err := do(o)
		if err == nil {
			err = out.Encode(r)
		}
		if err != nil {
			return err
		}
	}
}

// introspect does what every child can be told.
func introspect(o order) (report, error) {
	switch o.Do {
	case "profile":
		f, err := os.Create(filepath.Join(o.File, fmt.Sprintf("%s-%d.pprof", filepath.Base(os.Args[2]), os.Getpid())))
		if err != nil {
			return report{}, err
		}
		return report{}, pprof.StartCPUProfile(f)
	case "profiled":
		pprof.StopCPUProfile()
		return report{}, nil
	}
	return report{}, fmt.Errorf("an order that is not understood: %q", o.Do)
}
