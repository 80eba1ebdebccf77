package main

import (
	"errors"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// A remoteFeed is a revocation feed that a command reaches over HTTP. Without a
// URL the command works on the database beside it.
type remoteFeed struct {
	url, tokenFile string
}

func (e *remoteFeed) flags(c *cobra.Command) {
	c.Flags().StringVar(&e.url, "url", "", "ask the server at this URL (default the database on this machine)")
	c.Flags().StringVar(&e.tokenFile, "token-file", "", "with --url: file that holds a credential of jotkeeper feed token")
}

func (e *remoteFeed) named() bool { return e.url != "" }

// config says whose feed it is. A server that is reached under another name
// than its issuer's has --issuer.
func (e *remoteFeed) config(p *program) (feed.OriginConfig, error) {
	if e.tokenFile == "" {
		f := usage("--url also needs --token-file: the feed is for those who have a credential")
		f.Try = []string{"jotkeeper feed token, on the server's machine"}
		return feed.OriginConfig{}, f
	}
	token, err := readSecretFile(e.tokenFile)
	if err != nil {
		return feed.OriginConfig{}, err
	}
	cfg := feed.OriginConfig{Issuer: e.url, URL: e.url, Token: token}
	if g, ok := p.flags["issuer"]; ok {
		cfg.Issuer = g.Text
	}
	return cfg, nil
}

// origin is for single questions.
func (e *remoteFeed) origin(p *program) (*feed.Origin, error) {
	cfg, err := e.config(p)
	if err != nil {
		return nil, err
	}
	o, err := feed.NewOrigin(cfg)
	return o, e.fault(err)
}

// fault turns what a feed says into a sentence with its remedy.
func (e *remoteFeed) fault(err error) error {
	say := func(code int, text, try string) error {
		return &fault{Code: code, Text: text, Try: []string{try}, Err: err}
	}
	var known *fault
	if err == nil || errors.As(err, &known) {
		return err
	}
	why := printable(err.Error()) // the server's own words are in it
	switch {
	case errors.Is(err, feed.ErrConfig):
		return say(exitUsage, "--url "+e.url+": "+why, "--url https://id.example.com")
	case errors.Is(err, feed.ErrUnauthorized):
		return say(exitConfig, "the credential in "+e.tokenFile+" is not good for this: "+why, "jotkeeper feed token --for follow, or --for append, on the server's machine")
	case errors.Is(err, revocation.ErrBadRule):
		return say(exitUsage, why, "jotkeeper revocation push --help")
	case errors.Is(err, feed.ErrProtocol):
		return say(exitOutside, e.url+" is not such a feed: "+why, "--url as the server's --issuer has it; --issuer where the two differ")
	case errors.Is(err, feed.ErrUnavailable):
		return say(exitOutside, e.url+" cannot tell at the moment: "+why, "again in a moment; to push a rule twice is safe")
	}
	return say(exitOutside, e.url+" cannot be reached: "+printable(withoutURL(err)), "curl "+shellQuote(e.url+"/readyz"))
}

// withoutURL is a network error's cause: the address it asked holds a query.
func withoutURL(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err.Error()
	}
	return err.Error()
}
