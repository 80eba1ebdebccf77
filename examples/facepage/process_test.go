package facepage_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/jotkeeper/jotkeeper/examples/facepage"
)

// A part that ends before it is ready would do so again: it is not started
// again, and the last thing that it said is told.
func TestAPartThatDoesNotStart(t *testing.T) {
	t.Parallel()
	for want, command := range map[string]func(context.Context) *exec.Cmd{
		"the JSON API does not start: exit status 0: PASS": func(ctx context.Context) *exec.Cmd { return exec.CommandContext(ctx, os.Args[0], "-test.run=^$") },
		"no such file": func(ctx context.Context) *exec.Cmd { return exec.CommandContext(ctx, "/nowhere/jotkeeper") },
	} {
		p := &facepage.Process{Name: facepage.API, Lines: facepage.NewLines(), Command: command,
			Died: func(text string) { t.Errorf("it was started again: %s", text) }}
		err := p.Run(t.Context(), facepage.Orders{}, func(url string) { t.Errorf("ready on %s", url) })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if got := p.State(); got.PID != 0 {
			t.Errorf("it runs: %+v", got)
		}
	}
}
