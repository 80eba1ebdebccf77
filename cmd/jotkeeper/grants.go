package main

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/jotkeeper/jotkeeper/feed"
)

const (
	grantsFile  = "feed-token.sha256" // one line for each credential that is good
	grantsLock  = "feed-token.lock"   // taken by whoever replaces that file
	feedPrefix  = "jkf_"              // by which a leaked credential is found
	grantMark   = "2:"                // before the hash: the version of a line
	noAudiences = "-"
	maxGrant    = 64 // bytes of a name, and of an audience
)

// feedScopes are the scopes in the order in which they are written.
var feedScopes = []string{feed.FollowScope, feed.SightScope, feed.CheckScope, feed.AppendScope}

// A credential is one line of the file: the hash of a text that only its holder
// has, and what it is good for.
//
//	2:HASH SCOPES AUDIENCES NAME
//
// Before version 2 a line was a bare hash, good for following. The mark keeps
// programs of that time from taking any other credential for one of theirs.
type credential struct {
	hash string
	feed.Grant
}

func (c credential) line() string {
	audiences := noAudiences
	if len(c.Audiences) > 0 {
		audiences = strings.Join(c.Audiences, ",")
	}
	return strings.Join([]string{grantMark + c.hash, strings.Join(c.Scopes, ","), audiences, c.Name}, " ")
}

// parseCredential reads a line. One that is not understood is an error: whoever
// leaves it out may refuse a good credential, or keep one that was narrowed.
func parseCredential(line string) (credential, bool) {
	words := strings.Fields(line)
	if len(words) == 1 && isHash(words[0]) {
		return credential{words[0], feed.Grant{Name: grantName(words[0]), Scopes: []string{feed.FollowScope}}}, true
	}
	if len(words) != 4 {
		return credential{}, false
	}
	hash, marked := strings.CutPrefix(words[0], grantMark)
	c := credential{hash, feed.Grant{Name: words[3], Scopes: strings.Split(words[1], ",")}}
	if words[2] != noAudiences {
		c.Audiences = strings.Split(words[2], ",")
	}
	return c, marked && isHash(hash) && checkGrant(c.Grant) == nil
}

func isHash(s string) bool {
	raw, err := hex.DecodeString(s)
	return err == nil && len(raw) == sha256.Size
}

func feedHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// grantName is the name of a credential that was given none.
func grantName(hash string) string { return "feed-" + hash[:8] }

// checkGrant says what is wrong with a grant, to whoever asked for it.
func checkGrant(g feed.Grant) error {
	for _, s := range g.Scopes {
		if !slices.Contains(feedScopes, s) {
			return usage("--for %q: a credential is for %s", s, strings.Join(feedScopes, ", "))
		}
	}
	switch sees := g.Allows(feed.SightScope); {
	case len(g.Scopes) == 0:
		return usage("--for names nothing")
	case sees && len(g.Audiences) == 0:
		return usage("--for sight also needs --audience: whose sessions the service may call seen")
	case !sees && len(g.Audiences) > 0:
		return usage("--audience belongs to --for sight")
	}
	for _, a := range g.Audiences {
		if a == noAudiences || !oneWord(a) {
			return usage("--audience %q: want up to %d visible characters without a comma", a, maxGrant)
		}
	}
	if !oneWord(g.Name) {
		return usage("--name %q: want up to %d visible characters without a space or a comma", g.Name, maxGrant)
	}
	return nil
}

func oneWord(s string) bool {
	odd := func(r rune) bool { return r <= ' ' || r > '~' || r == ',' }
	return s != "" && len(s) <= maxGrant && !strings.ContainsFunc(s, odd)
}

// credentials reads those that are good. Without the file there are none.
func (d *dataDir) credentials() ([]credential, error) {
	text, err := readSecretFile(d.file(grantsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var all []credential
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		c, ok := parseCredential(line)
		if !ok {
			return nil, fail(exitConfig, d.file(grantsFile)+" holds a line that this jotkeeper does not understand",
				"the newer jotkeeper that wrote it, or delete the file and make the credentials anew")
		}
		all = append(all, c)
	}
	return all, err
}

// changeCredentials replaces the list by what change makes of it. One command
// does so at a time, so that none takes back what another did.
func (d *dataDir) changeCredentials(change func([]credential) []credential) error {
	f, err := os.OpenFile(d.file(grantsLock), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return d.unusable(err)
	}
	defer f.Close() // ends the lock
	if err := waitForFile(f); err != nil {
		return d.unusable(err)
	}
	all, err := d.credentials()
	if err != nil {
		return err
	}
	var lines []string
	for _, c := range change(all) {
		lines = append(lines, c.line())
	}
	return replaceSecretFile(d.file(grantsFile), strings.Join(lines, "\n"))
}

// grants is the feed's guard. It reads the file each time: a stream begins
// seldom, and a credential that was withdrawn is refused without a restart.
func (d *dataDir) grants(_ context.Context, text string) (feed.Grant, error) {
	all, err := d.credentials()
	if err != nil {
		return feed.Grant{}, err
	}
	got, found := []byte(feedHash(text)), feed.Grant{}
	for _, c := range all {
		if subtle.ConstantTimeCompare(got, []byte(c.hash)) == 1 {
			found = c.Grant
		}
	}
	if len(found.Scopes) == 0 {
		return feed.Grant{}, feed.ErrUnauthorized
	}
	return found, nil
}
