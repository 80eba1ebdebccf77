package main

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/jotkeeper/jotkeeper/feed"
)

// minProvided is what a credential that somebody else drew must hold: it is
// looked up by a hash without a salt, and guarded by nothing but its length.
const minProvided = 32

// providedFollowers reads the credentials of --feed-token-file, all good for
// following. Without a path there are none.
func providedFollowers(path string) ([]credential, error) {
	if path == "" {
		return nil, nil
	}
	text, err := readSecretFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &fault{Code: exitConfig, Text: "--feed-token-file " + path + " is not there",
			Try: []string{"openssl rand -base64 32 | install -m 600 /dev/stdin " + shellQuote(path)}, Err: err}
	}
	if err != nil {
		return nil, err
	}
	var all []credential
	for n, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if wrong := wrongToken(line); wrong != "" {
			return nil, fail(exitConfig, fmt.Sprintf("line %d of %s %s", n+1, path, wrong), "openssl rand -base64 32")
		}
		hash := feedHash(line)
		all = append(all, credential{hash, feed.Grant{Name: grantName(hash), Scopes: []string{feed.FollowScope}}})
	}
	if len(all) == 0 {
		return nil, fail(exitConfig, path+" holds no credential", "openssl rand -base64 32")
	}
	return all, nil
}

func wrongToken(line string) string {
	switch {
	case len(line) < minProvided:
		return fmt.Sprintf("holds fewer than %d bytes", minProvided)
	case strings.ContainsFunc(line, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "holds a space or a character that no header carries"
	case exampleSecret(line):
		return "is an example, not a secret"
	}
	return ""
}

// allow is the feed's guard: what the data directory knows, and what was provided.
// A file that cannot be used now stands in the way only of who is in no other.
func (h *house) allow(ctx context.Context, text string) (feed.Grant, error) {
	grant, err := h.dir.grants(ctx, text)
	if err == nil {
		return grant, nil
	}
	provided, perr := providedFollowers(h.set.FeedTokenFile)
	got := []byte(feedHash(text))
	for _, c := range provided {
		if subtle.ConstantTimeCompare(got, []byte(c.hash)) == 1 {
			return c.Grant, nil
		}
	}
	if errors.Is(err, feed.ErrUnauthorized) && perr != nil {
		return feed.Grant{}, perr
	}
	return feed.Grant{}, err
}
