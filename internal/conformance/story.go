package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

const stories = "follow.json"

// A story is an evening with a feed.
type story struct {
	Name, Why string
	Begin     beginning
	Steps     []step
}

// A beginning is what an origin serves before the first request.
type beginning struct {
	Cursor          string
	Rules           []string
	Short, Redirect bool
	Document        map[string]json.RawMessage
}

// A step has one member.
type step struct {
	Append *struct {
		Cursor  string
		Entries []string
	}
	Restore                                    *beginning
	Cut, Silent, Speak, Spell, Partial, Replay bool
	Late                                       int64
	Seen                                       *struct {
		Place string
		Times int
	}
	Until, Now, Stay *expectation
}

func followCases() (list []testCase, err error) {
	var book struct {
		About   string
		Issuer  string
		Now     int64
		Stories []story
	}
	err = load(stories, &book)
	for _, s := range book.Stories {
		c := testCase{group: "follow", name: s.Name, why: s.Why}
		t := teller{issuer: book.Issuer, now: book.Now, id: c.id()}
		c.run = func(ctx context.Context, p *peer) *Failure { return t.tell(ctx, p, s) }
		list = append(list, c)
	}
	return list, err
}

// A teller plays stories to a peer.
type teller struct {
	issuer string
	now    int64
	id     string
}

func (t teller) tell(ctx context.Context, p *peer, s story) *Failure {
	o, err := newOrigin(t.issuer, s.Begin)
	defer o.close()
	if err != nil {
		return unanswered(err.Error(), "a machine with free ports on 127.0.0.1")
	}
	a, f := p.ask(ctx, Request{Case: t.id, Kind: "follow", Issuer: t.issuer, URL: o.url(), Credential: o.credential})
	if f == nil && !a.OK {
		f = &Failure{Class: Another, Want: `{"ok":true}`, Got: a.String(), Try: "an answer at once, before anything was followed"}
	}
	for i := 0; f == nil && i < len(s.Steps); i++ {
		f = t.step(ctx, p, o, s.Steps[i])
	}
	if strayed := o.strayed(); f == nil && strayed != "" {
		f = &Failure{Class: Accepted, Want: "no request elsewhere", Got: strayed,
			Try: "places on the document's own scheme, host and port; no redirect is followed"}
	}
	return f
}

func (t teller) step(ctx context.Context, p *peer, o *origin, s step) *Failure {
	switch {
	case s.Append != nil:
		o.append(s.Append.Cursor, s.Append.Entries)
	case s.Restore != nil:
		o.restore(*s.Restore)
	case s.Cut:
		o.cut()
	case s.Seen != nil:
		return o.seen(ctx, s.Seen.Place, s.Seen.Times, p.patience)
	case s.Until != nil:
		return t.until(ctx, p, s.Until)
	case s.Now != nil:
		return t.once(ctx, p, s.Now)
	case s.Stay != nil:
		return t.stay(ctx, p, s.Stay)
	default:
		o.change(s)
	}
	return nil
}

func (t teller) once(ctx context.Context, p *peer, want *expectation) *Failure {
	claims := want.Token
	if claims.Issuer == "" {
		claims.Issuer = t.issuer
	}
	a, f := p.ask(ctx, Request{Case: t.id, Kind: "ask", Now: t.now, Claims: &claims})
	if f == nil {
		f = want.judge(a)
	}
	return f
}

// pace is how often an implementation is asked again: it shares the machine.
const pace = 10 * time.Millisecond

// until asks until the answer is right. The deadline is a guard: what passes is
// as quick as it is.
func (t teller) until(ctx context.Context, p *peer, want *expectation) *Failure {
	again, guard := time.NewTicker(pace), time.NewTimer(p.patience)
	defer again.Stop()
	defer guard.Stop()
	for {
		f := t.once(ctx, p, want)
		if f == nil || f.Class == Silent {
			return f
		}
		select {
		case <-again.C:
		case <-guard.C:
			f.Got += fmt.Sprintf(", still after %v", p.patience)
			return f
		case <-ctx.Done():
			return f
		}
	}
}

// stay asks for as long as it takes to grow stale: what must not become fresh
// would have by then.
func (t teller) stay(ctx context.Context, p *peer, want *expectation) *Failure {
	again, enough := time.NewTicker(pace), time.NewTimer(maxStale)
	defer again.Stop()
	defer enough.Stop()
	for {
		if f := t.once(ctx, p, want); f != nil {
			return f
		}
		select {
		case <-again.C:
		case <-enough.C:
			return nil
		case <-ctx.Done():
			return unanswered(ctx.Err().Error(), "")
		}
	}
}
