//go:build unix

package sqlite_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/session"
	"github.com/jotkeeper/jotkeeper/store"
	"github.com/jotkeeper/jotkeeper/store/sqlite"
)

// The test binary run again is another process on the same file.
const asChild = "JOTKEEPER_TEST_CHILD"

// children are what another process can be asked to do.
var children = map[string]func(file, arg string){
	"append": childAppend,
	"write":  childWrite,
	"small":  childSmall,
	"hold":   childHold,
	"open":   childOpen,
}

func init() {
	if job := os.Getenv(asChild); job != "" {
		name, rest, _ := strings.Cut(job, "\n")
		file, arg, _ := strings.Cut(rest, "\n")
		children[name](file, arg)
		os.Exit(0)
	}
}

func child(t *testing.T, name, file, arg string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), asChild+"="+name+"\n"+file+"\n"+arg)
	cmd.Stderr = os.Stderr
	return cmd
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func childAppend(file, id string) {
	ctx := context.Background()
	b := must(sqlite.Open(ctx, file, sqlite.Options{}))
	defer b.Close()
	must(b.Set().Revocations.Append(ctx, evening, rule(id)))
}

func TestAnotherProcessWakesAFollower(t *testing.T) {
	b := open(t, sqlite.Options{Server: true})
	start, err := b.Set().Revocations.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second) // a follower that sleeps on fails, it does not hang
	defer stop()
	woken := make(chan error, 1)
	go func() { woken <- b.Set().Revocations.Wait(ctx, start) }()
	if err := child(t, "append", path(t, b), "x").Run(); err != nil {
		t.Fatal(err)
	}
	if err := <-woken; err != nil {
		t.Fatal(err)
	}
	list, err := b.Set().Revocations.Read(t.Context(), start, 9)
	if err != nil || len(list) != 1 || list[0].Rule.ID != "x" {
		t.Errorf("the follower reads %v (%v)", list, err)
	}
}

// childWrite signs people up until it is killed, and says so after each commit.
func childWrite(file, round string) {
	ctx := context.Background()
	b := must(sqlite.Open(ctx, file, sqlite.Options{Server: true}))
	for w := range 8 {
		go func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("r%s/w%d/%d", round, w, i)
				if err := b.Together(ctx, func(tx store.Set) error { return signUp(ctx, tx, name) }); err != nil {
					panic(err)
				}
				fmt.Println(name) // one write: a line is whole or is not there
			}
		}()
	}
	select {}
}

// signUp leaves an account, a session and a rule of one name.
func signUp(ctx context.Context, tx store.Set, name string) error {
	id, err := tx.Accounts.Insert(ctx, account.Row{Identifier: name})
	if err != nil {
		return err
	}
	sub := strconv.FormatInt(id, 10)
	if _, err := tx.Sessions.Insert(ctx, session.Row{ID: name, Account: sub, State: session.Active}, 0, session.Cap{}); err != nil {
		return err
	}
	_, err = tx.Revocations.Append(ctx, evening, rule(name))
	return err
}

// A188: whatever was acknowledged before SIGKILL is there afterwards, and what
// was not is there whole or not at all.
func TestA188KilledWhileWriting(t *testing.T) {
	const kills, perKill = 20, 50
	file := filepath.Join(t.TempDir(), "j.db")
	told := map[string]bool{}
	for round := range kills {
		cmd := child(t, "write", file, fmt.Sprint(round))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			told[lines.Text()] = true
			if n == perKill+round {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := cmd.Wait(); err == nil || cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("the child ended with %v", err)
		}
	}
	t.Logf("%d kills, %d changes acknowledged", kills, len(told))
	if len(told) < kills*perKill {
		t.Errorf("%d changes were acknowledged, want %d or more", len(told), kills*perKill)
	}
	auditSignUps(t, reopen(t, file, sqlite.Options{Server: true}), told)
}

// auditSignUps compares what is kept with what was acknowledged.
func auditSignUps(t *testing.T, b *sqlite.Backend, told map[string]bool) {
	t.Helper()
	rules := map[string]bool{}
	for after := (revocation.Cursor{}); ; {
		list, err := b.Set().Revocations.Read(t.Context(), after, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			break
		}
		for _, e := range list {
			if e.Cursor.Seq != after.Seq+1 {
				t.Fatalf("%v follows %v", e.Cursor, after)
			}
			rules[e.Rule.ID], after = true, e.Cursor
		}
	}
	for name := range told {
		if !rules[name] {
			t.Errorf("%s was acknowledged and is lost", name)
		}
	}
	people := 0
	for last := int64(0); ; {
		list, err := b.Set().Accounts.List(t.Context(), last, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			break
		}
		for _, r := range list {
			people, last = people+1, r.ID
			if _, _, err := b.Set().Sessions.Find(t.Context(), r.Identifier); err != nil || !rules[r.Identifier] {
				t.Errorf("%s is there in part: session %v, rule %v", r.Identifier, err, rules[r.Identifier])
			}
		}
	}
	if people != len(rules) {
		t.Errorf("there are %d accounts and %d rules", people, len(rules))
	}
}

// childSmall writes until the system refuses to let its files grow, then looks
// whether the store notices that it must not go on.
func childSmall(file, _ string) {
	ctx := context.Background()
	signal.Ignore(syscall.SIGXFSZ)
	b := must(sqlite.Open(ctx, file, sqlite.Options{Server: true}))
	limit := syscall.Rlimit{Cur: 300_000, Max: 300_000}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		panic(err)
	}
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("w%d/%d", w, i)
				err := b.Together(ctx, func(tx store.Set) error { return signUp(ctx, tx, name) })
				if err != nil {
					if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "the disk failed; nothing more is written") {
						panic(err)
					}
					return
				}
				fmt.Println(name)
			}
		})
	}
	all.Wait()
	limit.Cur = limit.Max // what is full now may have room later: it must not matter
	if err := b.Together(ctx, func(store.Set) error { panic("it goes on after the disk failed") }); err == nil {
		panic("a change was acknowledged after the disk failed")
	}
	if err := b.Ping(ctx); !errors.Is(err, store.ErrUnavailable) {
		panic(err)
	}
	must(b.Set().Revocations.Head(ctx)) // reading goes on
	fmt.Println("refused")
}

// A187: after the disk failed in a commit nothing more is acknowledged, and
// what was acknowledged before is there.
func TestA187DiskFailsInCommit(t *testing.T) {
	file := filepath.Join(t.TempDir(), "j.db")
	out, err := child(t, "small", file, "").Output()
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	refused := false
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimSpace(line); line == "refused" {
			refused = true
		} else {
			told[line] = true
		}
	}
	if !refused || len(told) == 0 {
		t.Fatalf("%d changes were acknowledged, then refused: %v", len(told), refused)
	}
	auditSignUps(t, reopen(t, file, sqlite.Options{Server: true}), told)
}

// childHold stands in the middle of a change until its stdin ends.
func childHold(file, _ string) {
	b := must(sqlite.Open(context.Background(), file, sqlite.Options{}))
	defer b.Close()
	_ = b.Together(context.Background(), func(store.Set) error {
		fmt.Println("held")
		_, err := io.Copy(io.Discard, os.Stdin)
		return errors.Join(err, errors.New("nothing was done"))
	})
}

// hold has another process hold the file, and stand still with it, until
// release.
func hold(t *testing.T, file string) (release func()) {
	t.Helper()
	cmd := child(t, "hold", file, "")
	in, out := must(cmd.StdinPipe()), must(cmd.StdoutPipe())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatal(line, err)
	}
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := errors.Join(cmd.Process.Signal(syscall.SIGCONT), in.Close(), cmd.Wait()); err != nil {
			t.Error(err)
		}
	}
}

// A186: another process holds the file and is paused. Everybody who waits is
// told in time, nothing is left behind, reading goes on, and so does writing
// once the file is free.
func TestA186AnotherProcessHoldsTheFile(t *testing.T) {
	b := open(t, sqlite.Options{Busy: 50 * time.Millisecond})
	before := runtime.NumGoroutine()
	release := hold(t, path(t, b))
	told := make(chan error, 32)
	for i := range cap(told) {
		go func() { told <- b.Together(t.Context(), func(tx store.Set) error { return insert(tx, i) }) }()
	}
	for range cap(told) {
		if err := <-told; !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "another process holds the database") {
			t.Errorf("told %v", err)
		}
	}
	if s := b.Stats(); s.Waiting != 0 || s.Commits != 0 {
		t.Errorf("after all were told: %+v", s)
	}
	if got := people(t, b); got != "" {
		t.Errorf("it holds %q", got)
	}
	release()
	for runtime.NumGoroutine() > before { // those that were told end; a leak would never
		runtime.Gosched()
	}
	if err := b.Together(t.Context(), func(tx store.Set) error { return insert(tx, 1) }); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
