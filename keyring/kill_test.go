package keyring_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/keyring"
	"github.com/jotkeeper/jotkeeper/secret"
	"github.com/jotkeeper/jotkeeper/store/sqlite"
)

// The process that is killed is this test's own program, told by its
// environment what to be.
const childFile, childStart = "KEYRING_TEST_FILE", "KEYRING_TEST_START"

func inChild() bool { return os.Getenv(childFile) != "" }

// killConfig rotates each four minutes of the child's own time, which passes as
// fast as the child can go.
func killConfig(store keyring.Store) keyring.Config {
	material, err := secret.NewKey([]byte(strings.Repeat("the same in every process ", 2)))
	if err != nil {
		panic(err)
	}
	return keyring.Config{Store: store, Master: secret.NewRing(material),
		MaxAge: time.Minute, Rotation: 4 * time.Minute, TokenLife: 15 * time.Minute}
}

// child keeps a ring over SQLite until it is killed. It prints a line for each
// token: the time, the IDs that are published, the token.
func child() {
	start, _ := strconv.ParseInt(os.Getenv(childStart), 10, 64)
	now := time.Unix(start, 0)
	fmt.Println("ready")
	r, closeStore, err := openFile(context.Background(), os.Getenv(childFile), now)
	for err == nil {
		now = now.Add(20 * time.Second)
		if err = r.Tick(context.Background(), now); err != nil {
			break
		}
		set, _ := r.Publish(now)
		kids := []string{}
		for _, k := range set.Keys() {
			kids = append(kids, k.ID())
		}
		var raw string
		if raw, err = trySign(r, now); err == nil {
			fmt.Println(now.Unix(), strings.Join(kids, ","), raw)
		}
	}
	fmt.Println("failed:", err)
	closeStore()
}

func openFile(ctx context.Context, path string, now time.Time) (*keyring.Ring, func(), error) {
	b, err := sqlite.Open(ctx, path, sqlite.Options{})
	if err != nil {
		return nil, func() {}, err
	}
	r, err := keyring.Open(ctx, now, killConfig(b.Set().Keys))
	return r, func() { b.Close() }, err
}

// A line of the child.
type spoken struct {
	at   time.Time
	kids []string
	raw  string
}

// speak runs the child from start and kills it after so many lines.
func speak(t *testing.T, path string, start time.Time, lines int) (all []spoken) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childFile+"="+path, fmt.Sprintf("%s=%d", childStart, start.Unix()))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewScanner(out)
	for n := 0; in.Scan(); n++ {
		if n == lines {
			if err := cmd.Process.Kill(); err != nil { // SIGKILL
				t.Fatal(err)
			}
		}
		if in.Text() == "ready" {
			continue
		}
		word := strings.Fields(in.Text())
		if len(word) != 3 {
			t.Fatalf("the child says %q", in.Text())
		}
		at, err := strconv.ParseInt(word[0], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, spoken{time.Unix(at, 0), strings.Split(word[1], ","), word[2]})
	}
	if cmd.Wait(); cmd.ProcessState.Success() {
		t.Fatal("the child ended by itself")
	}
	return all
}

// TestA053Kill kills a process that makes, stores, publishes and signs with
// keys, twenty times. After each, a new process verifies every live token that
// the dead one gave out; and at the end each token is held against all sets that
// were to be relied on when it was signed.
func TestA053Kill(t *testing.T) {
	const kills = 20
	path := filepath.Join(t.TempDir(), "keys.db")
	now := noon
	var all []spoken
	for k := range kills {
		all = append(all, speak(t, path, now, k*29%47)...)
		if len(all) > 0 {
			now = all[len(all)-1].at
		}
		r, closeStore, err := openFile(t.Context(), path, now)
		if err != nil {
			t.Fatalf("kill %d: %v", k, err)
		}
		for _, s := range all {
			if now.Sub(s.at) >= 15*time.Minute {
				continue
			}
			if _, err := verifier(t, r).Verify(t.Context(), now, s.raw); err != nil {
				t.Errorf("kill %d: a token of %s: %v", k, s.at, err)
			}
		}
		if _, err := trySign(r, now); err != nil {
			t.Errorf("kill %d: nothing is signed after it: %v", k, err)
		}
		closeStore()
	}
	signers := map[string]bool{}
	for i, s := range all {
		kid := kidOf(t, s.raw)
		signers[kid] = true
		for _, set := range all[:i+1] {
			if s.at.Sub(set.at) < time.Minute && !slices.Contains(set.kids, kid) {
				t.Errorf("a token of %s is of a key that the set of %s lacks", s.at, set.at)
			}
		}
	}
	t.Logf("%d kills, %d tokens, %d keys", kills, len(all), len(signers))
	if len(all) < 10*kills || len(signers) < kills {
		t.Errorf("%d tokens of %d keys are too few to tell", len(all), len(signers))
	}
}
