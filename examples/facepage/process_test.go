package facepage_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/jotkeeper/jotkeeper/examples/facepage"
)

// actorVariable makes this test binary play a part.
const actorVariable = "FACEPAGE_ACTOR"

// play is a part with a will of its own; it returns the exit code.
func play(actor string) int {
	in := bufio.NewReader(os.Stdin)
	line, err := in.ReadBytes('\n')
	var orders facepage.Orders
	if err != nil || json.Unmarshal(line, &orders) != nil {
		fmt.Println("no orders came")
		return 9
	}
	if actor == "shy" {
		fmt.Println("I will not")
		return 4
	}
	fmt.Printf("jotkeeper: ready on http://%s in 1 ms\n", strings.Replace(orders.Addr, ":0", ":4711", 1))
	if actor == "brief" {
		return 3
	}
	_, _ = io.Copy(io.Discard, in)
	fmt.Println("good night")
	return 0
}

// actors makes a part that is played by one after the other.
func actors(t *testing.T, names ...string) (p *facepage.Process, died *[]string) {
	died = new([]string)
	p = &facepage.Process{Name: facepage.API, Lines: facepage.NewLines(), Died: func(text string) { *died = append(*died, text) }}
	p.Command = func(ctx context.Context) *exec.Cmd {
		cmd := exec.CommandContext(ctx, os.Args[0])
		cmd.Env = append(os.Environ(), actorVariable+"="+names[0])
		names = names[1:]
		return cmd
	}
	return p, died
}

var evening = facepage.Orders{Addr: "127.0.0.1:0"}

// A part that was ready and dies is started again at its address; one that dies
// before it is ready would do so again, so that is the end, with its last words.
func TestAPartThatDies(t *testing.T) {
	t.Parallel()
	p, died := actors(t, "brief", "brief", "shy")
	var ready []string
	err := p.Run(t.Context(), evening, func(url string) { ready = append(ready, url) })
	if err == nil || err.Error() != "the JSON API does not start: exit status 4: I will not" {
		t.Errorf("it ended with %v", err)
	}
	if !slices.Equal(ready, []string{"http://127.0.0.1:4711", "http://127.0.0.1:4711"}) {
		t.Errorf("it was ready on %v", ready)
	}
	again := "the JSON API died (exit status 3) and is started again"
	if !slices.Equal(*died, []string{again, again}) {
		t.Errorf("said: %v", *died)
	}
	if got := p.State(); got.PID != 0 || got.Starts != 3 || got.URL != "http://127.0.0.1:4711" {
		t.Errorf("state: %+v", got)
	}
}

// The end of its input tells a part to stop.
func TestAPartHearsTheEnd(t *testing.T) {
	t.Parallel()
	p, died := actors(t, "patient")
	ctx, end := context.WithCancel(t.Context())
	defer end()
	if err := p.Run(ctx, evening, func(string) { end() }); err != nil || len(*died) > 0 {
		t.Errorf("%v, said: %v", err, *died)
	}
	if !strings.HasSuffix(p.Lines.String(), "good night") {
		t.Errorf("it wrote %q", p.Lines)
	}
}

// A program that is not there is told by its name.
func TestAPartThatIsNotThere(t *testing.T) {
	t.Parallel()
	p, _ := actors(t)
	p.Command = func(ctx context.Context) *exec.Cmd { return exec.CommandContext(ctx, "/nowhere/jotkeeper") }
	err := p.Run(t.Context(), evening, func(string) {})
	if err == nil || !strings.Contains(err.Error(), "the JSON API does not start: ") || !strings.Contains(err.Error(), "/nowhere/jotkeeper") {
		t.Errorf("it ended with %v", err)
	}
}
