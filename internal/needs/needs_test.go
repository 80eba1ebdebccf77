package needs_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/jotkeeper/jotkeeper/internal/needs"
)

// outcome records how a test ended; the embedded TB stays nil because Tool
// must call nothing else.
type outcome struct {
	testing.TB
	failed, skipped string
}

func (o *outcome) Helper() {}

func (o *outcome) Fatalf(format string, args ...any) {
	o.failed = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func (o *outcome) Skipf(format string, args ...any) {
	o.skipped = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func ask(name string) (o outcome, path string) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		path = needs.Tool(&o, name, "some-package")
	}()
	<-done
	return o, path
}

func TestToolThatIsThere(t *testing.T) {
	o, path := ask("go")
	if path == "" || o.failed != "" || o.skipped != "" {
		t.Fatalf("go: path %q, failed %q, skipped %q", path, o.failed, o.skipped)
	}
}

func TestMissingToolSkipsAtHome(t *testing.T) {
	t.Setenv("CI", "")
	o, _ := ask("no-such-tool")
	if want := "no-such-tool is missing: apt-get install some-package"; o.skipped != want || o.failed != "" {
		t.Fatalf("skipped %q, failed %q; want skipped %q", o.skipped, o.failed, want)
	}
}

func TestMissingToolFailsInCI(t *testing.T) {
	t.Setenv("CI", "true")
	o, _ := ask("no-such-tool")
	if want := "no-such-tool is missing, and CI skips nothing: install some-package"; o.failed != want || o.skipped != "" {
		t.Fatalf("failed %q, skipped %q; want failed %q", o.failed, o.skipped, want)
	}
}
