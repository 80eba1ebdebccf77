package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/jotkeeper/jotkeeper/docs/spec/vectors"
)

// load reads a file of vectors. With stories nothing may be left over: a step that
// is misspelled would be no step.
func load(file string, into any) error {
	text, err := vectors.Files.ReadFile(file)
	d := json.NewDecoder(bytes.NewReader(text))
	if file == stories {
		d.DisallowUnknownFields()
	}
	if err == nil {
		err = d.Decode(into)
	}
	if err != nil {
		return fmt.Errorf("conformance: %s: %w", file, err)
	}
	return nil
}

// question makes a case of one request and a judge of its answer.
func question(group, name, why string, r Request, judge func(*Answer) *Failure) testCase {
	c := testCase{group: group, name: name, why: why}
	r.Case = c.id()
	c.run = func(ctx context.Context, p *peer) *Failure {
		a, f := p.ask(ctx, r)
		if f == nil {
			f = judge(a)
		}
		return f
	}
	return c
}

func tokenCases() ([]testCase, error)   { return tokens("token", "verify", "access-token.json") }
func sessionCases() ([]testCase, error) { return tokens("session", "session", "session-token.json") }

// tokens are the cases of a file of tokens, which are asked about by their kind.
func tokens(group, kind, file string) (list []testCase, err error) {
	var book struct {
		Issuer, Audience string
		Now              int64
		Keys             json.RawMessage
		Tokens           []struct{ Name, Why, Reason, Token string }
	}
	err = load(file, &book)
	for _, t := range book.Tokens {
		r := Request{Kind: kind, Issuer: book.Issuer, Audience: book.Audience, Keys: book.Keys, Now: book.Now, Token: t.Token}
		list = append(list, question(group, t.Name, t.Why, r, accepts(t.Reason)))
	}
	return list, err
}

// alike are the reasons that tell a client the same: nothing it could do but
// send the token as it was issued. Which of them a verifier names depends on the
// order in which it takes a token apart, and is nobody's business.
var alike = []string{"malformed", "header", "signature"}

// accepts judges an answer by the reason for which it must refuse; none: it must
// accept.
func accepts(reason string) func(*Answer) *Failure {
	return func(a *Answer) *Failure {
		want := `{"accept":false,"reason":"` + reason + `"}`
		if reason == "" {
			want = `{"accept":true}`
		}
		f := &Failure{Want: want, Got: a.String()}
		switch {
		case a.Accept == nil:
			f.Class, f.Try = Another, "the member accept, true or false"
		case *a.Accept && reason != "":
			f.Class, f.Try = Accepted, "the step of docs/spec/token-profile.md that says "+reason
			if reason == "binding" {
				f.Try = "docs/spec/cookie-lock.md, Checking"
			}
		case !*a.Accept && reason == "":
			f.Class, f.Try = Refused, "what makes it say "+a.Reason
		case a.Reason == reason, slices.Contains(alike, a.Reason) && slices.Contains(alike, reason):
			return nil
		default:
			f.Class, f.Try = Another, "docs/spec/reasons.md: a client acts on "+reason+" otherwise than on "+a.Reason
		}
		return f
	}
}

func lockCases() (list []testCase, err error) {
	var book struct {
		Locks    []struct{ SID, Lock, LCK, Cookie string }
		Requests []struct {
			Name, SID         string
			CNF               json.RawMessage
			Required, Refused bool
			Cookies           []string
		}
	}
	err = load("cookie-lock.json", &book)
	for i, l := range book.Locks {
		cnf, _ := json.Marshal(map[string]string{"lck": l.LCK})
		r := Request{Kind: "lock", SID: l.SID, CNF: cnf, Cookie: l.Cookie + "=" + l.Lock}
		list = append(list, question("lock", fmt.Sprintf("hash %d", i+1), "the hash of sid and lock, and the name of the cookie", r, accepts("")))
	}
	for _, q := range book.Requests {
		r := Request{Kind: "lock", SID: q.SID, CNF: q.CNF, Required: q.Required, Cookie: strings.Join(q.Cookies, "; ")}
		reason := ""
		if q.Refused {
			reason = "binding"
		}
		list = append(list, question("lock", q.Name, "a locked token needs its cookie", r, accepts(reason)))
	}
	return list, err
}

// entryCases ask about a token that the entry, read rightly, reaches; or for the
// word stale, where nothing may be skipped.
func entryCases() (list []testCase, err error) {
	var book struct {
		Epoch   uint64
		Entries []struct{ Name, Line, Result, Scope, ID, Action string }
	}
	err = load("revocation-feed.json", &book)
	for _, e := range book.Entries {
		claims := Claims{Issuer: "https://id.example.com", IssuedAt: 1}
		for scope, member := range map[string]*string{"iss": &claims.Issuer, "jti": &claims.ID, "sid": &claims.SessionID, "sub": &claims.Subject, "tid": &claims.Tenant, "kid": &claims.KeyID} {
			if scope == e.Scope {
				*member = e.ID
			}
		}
		r := Request{Kind: "rules", Issuer: claims.Issuer, Now: 1767225640, Epoch: book.Epoch, Entries: []string{e.Line}, Claims: &claims}
		want := expectation{Verdict: e.Action, Scope: e.Scope, Stale: new(bool)}
		if e.Result != "rule" {
			*want.Stale, want.Verdict = true, "none"
		}
		list = append(list, question("entry", e.Name, "an entry of the feed is understood, or makes its reader stale", r, want.judge))
	}
	return list, err
}

func ruleCases() (list []testCase, err error) {
	var book struct {
		Issuer   string
		Epoch    uint64
		Now      int64
		Verdicts []struct {
			Name, Why, Verdict, Scope string
			Entries                   []string
			Token                     Claims
		}
	}
	err = load("verdicts.json", &book)
	for _, v := range book.Verdicts {
		claims := v.Token
		if claims.Issuer == "" {
			claims.Issuer = book.Issuer
		}
		r := Request{Kind: "rules", Issuer: book.Issuer, Now: book.Now, Epoch: book.Epoch, Entries: v.Entries, Claims: &claims}
		want := expectation{Verdict: v.Verdict, Scope: v.Scope, Stale: new(bool)}
		list = append(list, question("rules", v.Name, v.Why, r, want.judge))
	}
	return list, err
}

// An expectation is what an answer about rules must say.
type expectation struct {
	Token          Claims
	Verdict, Scope string
	Stale          *bool
}

func (e *expectation) judge(a *Answer) *Failure {
	want := &Answer{Verdict: e.Verdict, Scope: e.Scope, Stale: e.Stale}
	f := &Failure{Want: want.String(), Got: a.String()}
	switch {
	case a.Stale == nil:
		f.Class, f.Try = Another, "the member stale (true, false)"
	case !*a.Stale && *e.Stale:
		f.Class, f.Try = Accepted, "docs/spec/revocation-feed.md: what is not known for sure must not pass for fresh"
	case *a.Stale && !*e.Stale && a.Verdict == e.Verdict:
		f.Class, f.Try = Refused, "docs/spec/revocation-feed.md: what of it is not understood, or when a word is news"
	default:
		return e.verdict(a, f)
	}
	return f
}

// verdict judges what the rules say, and tells it in f.
func (e *expectation) verdict(a *Answer, f *Failure) *Failure {
	switch {
	case !slices.Contains(actions, a.Verdict):
		f.Class, f.Try = Another, "the member verdict (none, rotate, revoke)"
	case slices.Index(actions, a.Verdict) < slices.Index(actions, e.Verdict):
		f.Class, f.Try = Accepted, "docs/spec/revocation.md: which tokens a rule reaches"
	case a.Verdict != e.Verdict:
		f.Class, f.Try = Refused, "docs/spec/revocation.md: which tokens a rule reaches"
	case e.Scope != "" && a.Scope != e.Scope:
		f.Class, f.Try = Another, "docs/spec/revocation.md: the strongest, then the narrowest"
	default:
		return nil
	}
	return f
}

var actions = []string{"none", "rotate", "revoke"} // the weakest first
