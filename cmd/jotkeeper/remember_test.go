package main

import (
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
