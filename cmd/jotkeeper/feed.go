package main

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/jotkeeper/jotkeeper/feed"
)

func (p *program) feedCommand() *cobra.Command {
	return p.group("feed", "let other services follow revocations",
		"Makes the credentials with which services on this or another machine follow the revocations of this\n"+
			"server, so that they refuse an ended session within milliseconds and ask nobody.",
		"  jotkeeper feed token\n  jotkeeper feed token --for append",
		p.feedTokenCommand())
}

func (p *program) feedTokenCommand() *cobra.Command {
	var only bool
	var g feed.Grant
	c := &cobra.Command{
		Use: "token", Short: "make a credential of the revocation feed", Args: takes(0, 0),
		Long: "Makes a credential of the revocation feed, and says which file holds it. Without --for it is good for following.\n" +
			"The server keeps a hash of it and needs no restart. Credentials from before stay good, so that services can\n" +
			"change over one by one; with --only, those that can do any of the same are refused from now on (a stream\n" +
			"that is open, within ten minutes).",
		Example: "  jotkeeper feed token\n  jotkeeper feed token --only\n  jotkeeper feed token --for append --name fraud-desk\n" +
			"  jotkeeper feed token --for follow,sight --audience api.example.com",
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := p.loadBeside()
			if err != nil {
				return err
			}
			dir, err := existingDataDir(s.DataDir, s.home)
			if err != nil {
				return err
			}
			return p.makeFeedToken(dir, g, only)
		},
	}
	c.Flags().StringSliceVar(&g.Scopes, "for", []string{feed.FollowScope}, "what it is good for: "+strings.Join(feedScopes, ","))
	c.Flags().StringSliceVar(&g.Audiences, "audience", nil, "with --for sight: the audiences whose sessions may be called seen")
	c.Flags().StringVar(&g.Name, "name", "", "what figures and logs call it (default the beginning of its hash)")
	c.Flags().BoolVar(&only, "only", false, "refuse every credential from before that can do any of this")
	p.outputFlag(c)
	p.settingFlags(c, storeOption)
	return exits(c, exitOK, exitUsage, exitOutside, exitConfig)
}

// makeFeedToken writes the hash first: a crash in between leaves a hash that
// nobody has the text of.
func (p *program) makeFeedToken(dir *dataDir, g feed.Grant, only bool) error {
	token := feedPrefix + rand.Text()
	hash := feedHash(token)
	if g.Name == "" {
		g.Name = grantName(hash)
	}
	if err := checkGrant(g); err != nil {
		return err
	}
	g.Scopes = slices.DeleteFunc(slices.Clone(feedScopes), func(s string) bool { return !g.Allows(s) })
	err := dir.changeCredentials(func(all []credential) []credential {
		if only {
			all = slices.DeleteFunc(all, func(c credential) bool { return slices.ContainsFunc(g.Scopes, c.Allows) })
		}
		return append(all, credential{hash, g})
	})
	if err != nil {
		return err
	}
	path := dir.file(textFile(g))
	if err := replaceSecretFile(path, token); err != nil {
		return err
	}
	if p.json() {
		return p.writeJSON(struct {
			File      string   `json:"file"`
			Name      string   `json:"name"`
			Scopes    []string `json:"scopes"`
			Audiences []string `json:"audiences,omitempty"`
		}{path, g.Name, g.Scopes, g.Audiences})
	}
	p.say("%s", "the credential is in "+tilde(path, dir.home)+"; whoever has it can "+powers(g)+", and nothing else")
	return nil
}

// textFile is where the newest credential of a kind is: a service that reads
// one to follow is not handed one that is good for something else.
func textFile(g feed.Grant) string {
	if name := strings.Join(g.Scopes, "-"); name != feed.FollowScope {
		return "feed-token-" + name
	}
	return "feed-token"
}

// powers says in words what a grant is good for.
func powers(g feed.Grant) string {
	words := map[string]string{
		feed.FollowScope: "follow who logs out",
		feed.SightScope:  "call sessions of " + strings.Join(g.Audiences, ", ") + " seen",
		feed.CheckScope:  "ask whether a session has ended",
		feed.AppendScope: "end any session and shut out anybody",
	}
	var all []string
	for _, s := range g.Scopes {
		all = append(all, words[s])
	}
	return strings.Join(all, ", ")
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
