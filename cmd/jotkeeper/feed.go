package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/jotkeeper/jotkeeper/feed"
)

const (
	feedHashes = "feed-token.sha256" // of the credentials that are good, one a line
	feedPrefix = "jkf_"              // by which a leaked one is found
)

func (p *program) feedCommand() *cobra.Command {
	return p.group("feed", "let other services follow revocations",
		"Makes the credential with which services on this or another machine follow the revocations of this\n"+
			"server, so that they refuse an ended session within milliseconds and ask nobody.",
		"  jotkeeper feed token",
		p.feedTokenCommand())
}

func (p *program) feedTokenCommand() *cobra.Command {
	var only bool
	c := &cobra.Command{
		Use: "token", Short: "make a credential for following revocations", Args: takes(0, 0),
		Long: "Makes a credential for following revocations, and says which file holds it. The server keeps a hash of\n" +
			"it and needs no restart. Credentials from before stay good, so that services can change over one by one;\n" +
			"with --only they are refused from now on (a stream that is open, within ten minutes).",
		Example: "  jotkeeper feed token\n  jotkeeper feed token --only",
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := p.loadBeside()
			if err != nil {
				return err
			}
			dir, err := existingDataDir(s.DataDir, s.home)
			if err != nil {
				return err
			}
			return p.makeFeedToken(dir, only)
		},
	}
	c.Flags().BoolVar(&only, "only", false, "refuse every credential from before")
	p.outputFlag(c)
	p.settingFlags(c, storeOption)
	return exits(c, exitOK, exitUsage, exitOutside, exitConfig)
}

// makeFeedToken writes the hash first: a crash in between leaves a hash that
// nobody has the text of.
func (p *program) makeFeedToken(dir *dataDir, only bool) error {
	token, hashes := feedPrefix+rand.Text(), ""
	if !only {
		known, err := dir.feedHashes()
		if err != nil {
			return err
		}
		for _, h := range known {
			hashes += h + "\n"
		}
	}
	if err := replaceSecretFile(dir.file(feedHashes), hashes+feedHash(token)); err != nil {
		return err
	}
	path := dir.file("feed-token")
	if err := replaceSecretFile(path, token); err != nil {
		return err
	}
	if p.json() {
		return p.writeJSON(struct {
			File string `json:"file"`
		}{path})
	}
	p.say("the credential is in " + tilde(path, dir.home) + "; whoever has it can follow who logs out, and nothing else")
	return nil
}

func feedHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// feedHashes reads the hashes of the credentials that are good. Without the
// file there are none.
func (d *dataDir) feedHashes() ([]string, error) {
	text, err := readSecretFile(d.file(feedHashes))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return strings.Fields(text), err
}

// allows is the feed's guard. It reads the file each time: a stream begins
// seldom, and a credential that was withdrawn is refused without a restart.
func (d *dataDir) allows(_ context.Context, credential, scope string) error {
	hashes, err := d.feedHashes()
	if err != nil {
		return err
	}
	got, good := []byte(feedHash(credential)), 0
	for _, h := range hashes {
		good |= subtle.ConstantTimeCompare(got, []byte(h))
	}
	if good != 1 || scope != feed.FollowScope {
		return feed.ErrUnauthorized
	}
	return nil
}

// replaceSecretFile writes a secret in place of what was there, mode 0600, so
// that a crash leaves the old or the new.
func replaceSecretFile(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*") // mode 0600
	if err != nil {
		return makeFault(path, err)
	}
	_, err = f.WriteString(text + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return makeFault(path, err)
	}
	return syncDir(filepath.Dir(path))
}
