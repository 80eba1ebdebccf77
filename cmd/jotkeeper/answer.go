package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/internal/conformance"
	"github.com/jotkeeper/jotkeeper/jwks"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
)

func (p *program) conformanceAnswerCommand() *cobra.Command {
	return exits(&cobra.Command{
		Use: "answer", Short: "answer cases as Jotkeeper's own verifier does", Args: takes(0, 0),
		Long: "Reads a case per line from stdin and writes Jotkeeper's own answer per line: what a verifier of yours is\n" +
			"compared with. The messages stand in docs/spec/conformance.md.",
		Example: "  jotkeeper conformance answer < cases.jsonl\n" +
			"  jotkeeper conformance verifier -- jotkeeper conformance answer",
		RunE: func(c *cobra.Command, _ []string) error { return p.answerCases(c.Context()) },
	}, exitOK, exitOther, exitUsage)
}

func (p *program) answerCases(ctx context.Context) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	v := &answerer{ctx: ctx}
	out := json.NewEncoder(p.stdout)
	in := bufio.NewScanner(p.stdin)
	in.Buffer(nil, maxTokenInput)
	for in.Scan() {
		var r conformance.Request
		if err := json.Unmarshal(in.Bytes(), &r); err != nil {
			return fail(exitOther, "a line is no case: "+err.Error(), "one JSON object per line: docs/spec/conformance.md")
		}
		a, err := v.answer(&r)
		if err != nil {
			return fail(exitOther, "the case "+r.Case+" cannot be answered: "+err.Error(), "docs/spec/conformance.md")
		}
		if err := out.Encode(a); err != nil {
			return err
		}
	}
	return in.Err()
}

// An answerer is our verifier behind the protocol of the conformance runs.
type answerer struct {
	ctx    context.Context
	follow struct {
		end    context.CancelFunc
		client *feed.Client
		index  *revocation.Index
	}
}

func (v *answerer) answer(r *conformance.Request) (*conformance.Answer, error) {
	a := &conformance.Answer{Case: r.Case}
	switch r.Kind {
	case "offers":
		a.Offers = conformance.Optional
	case "session":
		judged(a, v.session(r))
	case "open":
		opened(a, r)
	case "frames":
		return a, v.frames(a, r)
	case "verify":
		judged(a, v.verify(r))
	case "lock":
		judged(a, v.lock(r))
	case "rules":
		return a, v.rules(a, r)
	case "follow":
		a.OK = true
		return a, v.begin(r)
	case "ask":
		if v.follow.index == nil {
			return a, errors.New("nothing is followed: a case of kind follow comes first")
		}
		heard := v.follow.index.Stats().Heard
		stale := heard.IsZero() || time.Since(heard) > v.follow.client.MaxStale()
		decided(a, v.follow.index, r, stale)
	default:
		return a, errors.New("no such kind: " + r.Kind)
	}
	return a, nil
}

func judged(a *conformance.Answer, err error) {
	accept := err == nil
	a.Accept, a.Reason = &accept, string(jwt.ReasonOf(err))
}

func (v *answerer) verify(r *conformance.Request) error {
	set, _, err := jwks.Parse(r.Keys)
	if err != nil {
		return err
	}
	verifier, err := jwt.NewVerifier[jwt.Access](jwt.VerifierConfig{Issuer: r.Issuer, Audience: []string{r.Audience}, Keys: set, CacheEntries: -1})
	if err != nil {
		return err
	}
	_, err = verifier.Verify(v.ctx, time.Unix(r.Now, 0), r.Token)
	return err
}

func decided(a *conformance.Answer, x *revocation.Index, r *conformance.Request, stale bool) {
	c := r.Claims
	token := jwt.Access{Registered: jwt.Registered{Issuer: c.Issuer, ID: c.ID, SessionID: c.SessionID, Subject: c.Subject, IssuedAt: jwt.Time(c.IssuedAt)}, Tenant: c.Tenant, Revision: c.Revision}
	q := revocation.QueryOf(&token, c.KeyID)
	said := x.Check(time.Unix(r.Now, 0), &q)
	a.Verdict, a.Scope, a.Stale = said.Action.String(), string(said.Scope), &stale
}

// begin follows another feed than before.
func (v *answerer) begin(r *conformance.Request) error {
	if v.follow.end != nil {
		v.follow.end()
	}
	index := revocation.NewIndex(r.Issuer)
	client, err := feed.NewClient(feed.ClientConfig{Issuer: r.Issuer, URL: r.URL, Token: r.Credential, Index: index})
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(v.ctx)
	v.follow.end, v.follow.client, v.follow.index = end, client, index
	go client.Follow(ctx)
	return nil
}

// rules lets our follower read the entries as a snapshot, whose origin is no
// further away than a function.
func (v *answerer) rules(a *conformance.Answer, r *conformance.Request) error {
	ctx, end := context.WithCancel(v.ctx)
	defer end()
	head := revocation.Cursor{Epoch: r.Epoch, Seq: 1 << 40}
	index := revocation.NewIndex(r.Issuer)
	client, err := feed.NewClient(feed.ClientConfig{
		Issuer: r.Issuer, URL: "http://localhost", Token: "none", Index: index, Transport: entriesAlone{r, head.String(), end},
	})
	if err != nil {
		return err
	}
	if err := client.Follow(ctx); v.ctx.Err() != nil {
		return err
	}
	decided(a, index, r, index.Cursor() != head)
	return nil
}

// entriesAlone is an origin that ends the following once its snapshot was read.
type entriesAlone struct {
	r    *conformance.Request
	head string
	end  context.CancelFunc
}

func (o entriesAlone) RoundTrip(r *http.Request) (*http.Response, error) {
	issuer, err := json.Marshal(o.r.Issuer)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(r.URL.Path, "/revocation-feed") {
		return response(r, "application/json", `{"v":1,"issuer":`+string(issuer)+`,"snapshot":"/snapshot","stream":"/stream"}`, func() {}), nil
	}
	lines := append([]string{`{"v":1,"issuer":` + string(issuer) + `,"cursor":"` + o.head + `"}`}, o.r.Entries...)
	ending, err := json.Marshal(map[string]int{"end": len(o.r.Entries)})
	return response(r, "application/x-ndjson", strings.Join(append(lines, string(ending)), "\n"), o.end), err
}

func response(r *http.Request, kind, text string, closed func()) *http.Response {
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {kind}}, Body: &told{strings.NewReader(text), closed},
	}
}

// told is a body that says when it was read.
type told struct {
	io.Reader
	closed func()
}

func (t *told) Close() error { t.closed(); return nil }
