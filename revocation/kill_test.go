package revocation_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"go.uber.org/goleak"

	"github.com/jotkeeper/jotkeeper/revocation"
)

// doomedDir makes of this test binary a verifier that saves six rules there and
// stops for ever before the sync whose number is in doomedStep.
const doomedDir, doomedStep = "JOTKEEPER_TEST_SAVE_DIR", "JOTKEEPER_TEST_SAVE_STEP"

func TestMain(m *testing.M) {
	if dir := os.Getenv(doomedDir); dir != "" {
		saveUntilKilled(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

func saveUntilKilled(dir string) {
	last, _ := strconv.Atoi(os.Getenv(doomedStep))
	step := 0
	revocation.OnSync(func(path string) error {
		if step++; step == last {
			fmt.Println(filepath.Base(path))
			select {}
		}
		return nil
	})
	x := revocation.NewIndex(issuer)
	fmt.Println(errors.Join(x.Apply(anEvening()...), x.Save(dir)))
}

// A verifier is killed in the middle of saving, at each place where it waits for
// the disk. The next one starts from its five rules or from all six.
func TestAVerifierIsKilledWhileItSaves(t *testing.T) {
	for step, c := range []struct {
		at    string
		rules int
	}{{snapshotFile + ".tmp", 5}, {"revocation", 6}, {cursorFile + ".tmp", 6}, {"revocation", 6}} {
		dir := save(t, anEvening()[:5]...)
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), doomedDir+"="+dir, doomedStep+"="+strconv.Itoa(step+1))
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		line, _, _ := bufio.NewReader(out).ReadLine()
		if err := errors.Join(cmd.Process.Kill(), cmd.Wait()); cmd.ProcessState.Exited() || string(line) != c.at {
			t.Fatalf("killed at %q, want %q: %v", line, c.at, err)
		}
		x := revocation.NewIndex(issuer)
		if err := x.Load(dir); err != nil || x.Rules() != c.rules || x.Cursor() != at(1, uint64(c.rules)) {
			t.Errorf("killed before sync %d: %d rules at %s, want %d; %v", step+1, x.Rules(), x.Cursor(), c.rules, err)
		}
		again := indexOf(t, anEvening()...)
		if err := again.Save(dir); err != nil {
			t.Errorf("what the killed one left is in the way: %v", err)
		}
	}
}
