package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Rules are kept as long as the longest-lived token that is out there: after
// --access-ttl was lowered, that is the old one.
func TestLongestLifeNeverShrinks(t *testing.T) {
	d := &dataDir{path: t.TempDir()}
	for _, c := range []struct{ ttl, want time.Duration }{
		{15 * time.Minute, 15 * time.Minute}, {time.Hour, time.Hour}, {time.Minute, time.Hour}, {2 * time.Hour, 2 * time.Hour},
	} {
		if got, err := d.longestLife(c.ttl); err != nil || got != c.want {
			t.Errorf("with --access-ttl %v: %v, %v; want %v", c.ttl, got, err, c.want)
		}
	}
}

// The file is replaced, never written over: a crash leaves the old one or the new.
// One that tells nothing stops the server instead of being guessed at.
func TestLongestLifeIsNeitherTornNorGuessed(t *testing.T) {
	d := &dataDir{path: t.TempDir()}
	path, old := d.file(lifeFile), d.file("old")
	if _, err := d.longestLife(time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(path, old); err != nil {
		t.Fatal(err)
	}
	if _, err := d.longestLife(2 * time.Hour); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(old)
	after, _ := os.ReadFile(path)
	if string(before) != "1h\n" || string(after) != "2h\n" {
		t.Errorf("the old file holds %q, the new one %q", before, after)
	}
	for _, text := range []string{"", "1", "soon\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := d.longestLife(15 * time.Minute)
		var f *fault
		if !errors.As(err, &f) || f.Code != exitConfig || !strings.Contains(f.Text, "longest-access-ttl does not hold a length of time") || !strings.HasPrefix(f.Try[0], "echo 24h > ") {
			t.Errorf("%q: %v, want a fault with a remedy", text, err)
		}
		if now, _ := os.ReadFile(path); string(now) != text {
			t.Errorf("%q was replaced by %q", text, now)
		}
	}
	if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
		t.Fatal(err)
	}
	if _, err := d.longestLife(time.Hour); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("what cannot be read: %v", err)
	}
}

// A command beside a server goes by that server's settings: a rule written with
// a shorter life than the server's tokens would be gone before them. What the
// command is told counts for more.
func TestCommandsFollowTheServersSettings(t *testing.T) {
	home := t.TempDir()
	p := &program{env: environment{"HOME": home}, flags: map[string]given{}}
	s := newSettings(p.env)
	s.AccessTTL, s.Issuer, s.Addr = time.Hour, "http://127.0.0.1:9999", "127.0.0.1:9999"
	s.MasterKey = "a-master-key-that-nobody-may-write-down"
	s.complete()
	if _, err := openDataDir(s.DataDir, s.home); err != nil {
		t.Fatal(err)
	}
	if err := s.leave(); err != nil {
		t.Fatal(err)
	}
	// A second server replaces them whole: a command that reads now sees the old or the new.
	old := filepath.Join(s.DataDir, "old")
	if err := os.Link(filepath.Join(s.DataDir, lastServe), old); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(old)
	s.MaxSessions = 7
	if err := s.leave(); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.ReadFile(old); len(before) == 0 || string(after) != string(before) {
		t.Errorf("the settings were written over, a command could read half of them: %q", after)
	}
	got, err := p.loadBeside()
	if err != nil || got.AccessTTL != time.Hour || got.Issuer != s.Issuer || got.MasterKey != "" {
		t.Errorf("%v, %s, %q, %v", got.AccessTTL, got.Issuer, got.MasterKey, err)
	}
	p.flags["access-ttl"] = given{"--access-ttl", "5m"}
	p.env["JOTKEEPER_ISSUER"] = "http://127.0.0.1:7777"
	if got, err = p.loadBeside(); err != nil || got.AccessTTL != 5*time.Minute || got.Issuer != "http://127.0.0.1:7777" {
		t.Errorf("%v, %s, %v", got.AccessTTL, got.Issuer, err)
	}
	if alone, err := p.load(); err != nil || strings.Contains(alone.Addr, "9999") {
		t.Errorf("serve itself took its last address: %s, %v", alone.Addr, err)
	}
}
