package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/jotkeeper/jotkeeper/feed"
)

func newDir(t *testing.T) *dataDir {
	t.Helper()
	home := t.TempDir()
	dir := &dataDir{path: filepath.Join(home, "jotkeeper"), home: home}
	if err := os.Mkdir(dir.path, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

func mute() *program { return &program{stdout: &strings.Builder{}, stderr: &strings.Builder{}} }

// made makes a credential and returns its text.
func made(t *testing.T, dir *dataDir, g feed.Grant, only bool) string {
	t.Helper()
	if err := mute().makeFeedToken(dir, g, only); err != nil {
		t.Fatal(err)
	}
	text, err := readSecretFile(dir.file(textFile(g)))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestACredentialIsGoodForWhatItWasMadeFor(t *testing.T) {
	dir := newDir(t)
	for _, want := range []feed.Grant{
		{Name: "orders", Scopes: []string{"follow"}},
		{Name: "fraud-desk", Scopes: []string{"append"}},
		{Name: "api", Scopes: []string{"follow", "sight"}, Audiences: []string{"api.example.com", "localhost:3000"}},
		{Name: "all", Scopes: []string{"follow", "sight", "check", "append"}, Audiences: []string{"*"}},
	} {
		got, err := dir.grants(t.Context(), made(t, dir, want, false))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
	if got, err := dir.grants(t.Context(), "jkf_NOBODY"); !errors.Is(err, feed.ErrUnauthorized) || got.Name != "" {
		t.Errorf("a stranger: %+v, %v", got, err)
	}
}

// Version 1 of the file was a bare hash a line: good for following, and still so
// when another line has been added to it.
func TestCredentialsOfTheFirstVersionStayGood(t *testing.T) {
	dir := newDir(t)
	old := feedHash("jkf_OLD")
	if err := os.WriteFile(dir.file(grantsFile), []byte(old+"\n"+feedHash("jkf_OLDER")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := feed.Grant{Name: "feed-" + old[:8], Scopes: []string{"follow"}}
	for _, when := range []string{"as it was", "migrated"} {
		if got, err := dir.grants(t.Context(), "jkf_OLD"); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v", when, got, err)
		}
		if _, err := dir.grants(t.Context(), "jkf_OLDER"); err != nil {
			t.Errorf("%s: %v", when, err)
		}
		made(t, dir, feed.Grant{Scopes: []string{"append"}}, false)
	}
	text, err := os.ReadFile(dir.file(grantsFile))
	if err != nil {
		t.Fatal(err)
	}
	for word := range strings.FieldsSeq(string(text)) {
		if isHash(word) {
			t.Errorf("a program of the first version takes this for a credential to follow with: %s", text)
		}
	}
}

func TestALineThatIsNotUnderstoodIsNotSkipped(t *testing.T) {
	h := feedHash("jkf_A")
	for _, line := range []string{
		"3:" + h + " follow - a", "2:" + h, "2:" + h + " follow -", "2:" + h + " follow - a b", "2:" + h[:60] + " follow - a",
		"2:" + h + " everything - a", "2:" + h + " sight - a", "2:" + h + " follow localhost a", h + " " + h, h[:63], "jkf_A",
	} {
		dir := newDir(t)
		if err := os.WriteFile(dir.file(grantsFile), []byte("2:"+feedHash("jkf_B")+" follow - b\n"+line+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := dir.grants(t.Context(), "jkf_A")
		var f *fault
		if errors.Is(err, feed.ErrUnauthorized) || !errors.As(err, &f) || f.Code != exitConfig {
			t.Errorf("%q: %v", line, err)
		}
		if err := mute().makeFeedToken(dir, feed.Grant{Scopes: []string{"follow"}}, false); !errors.As(err, &f) {
			t.Errorf("%q was written over: %v", line, err)
		}
	}
}

// Each command reads the list and writes it anew. None takes back what another did.
func TestCommandsAtTheSameTimeLoseNoCredential(t *testing.T) {
	dir := newDir(t)
	var work sync.WaitGroup
	for i := range 20 {
		work.Go(func() {
			if err := mute().makeFeedToken(dir, feed.Grant{Name: fmt.Sprint("n", i), Scopes: []string{"follow"}}, false); err != nil {
				t.Error(err)
			}
		})
	}
	work.Wait()
	all, err := dir.credentials()
	if err != nil || len(all) != 20 {
		t.Errorf("%d credentials of 20, %v", len(all), err)
	}
}

func TestOnlyWithdrawsWhatCanDoTheSame(t *testing.T) {
	dir := newDir(t)
	follow := made(t, dir, feed.Grant{Scopes: []string{"follow"}}, false)
	both := made(t, dir, feed.Grant{Scopes: []string{"follow", "append"}}, false)
	check := made(t, dir, feed.Grant{Scopes: []string{"check"}}, false)
	made(t, dir, feed.Grant{Scopes: []string{"append"}}, true)
	for text, good := range map[string]bool{follow: true, both: false, check: true} {
		if _, err := dir.grants(t.Context(), text); (err == nil) != good {
			t.Errorf("good for following %v, appending %v: %v", text == follow || text == both, text == both, err)
		}
	}
}
