package town_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// A token is an access token as whoever was given it knows it.
type token struct {
	name    string // of the device, with a number
	text    string
	claims  jwt.Access
	kid     string
	session *sitting
	asked   time.Time // when the request left that brought it
	got     time.Time
}

// A sitting is a session from its login on.
type sitting struct {
	name       string
	id         string
	account    string
	asked, got time.Time
	last       *token
}

// A deed ends sessions or tokens. What it means is known from when it was sent,
// and certain from when its answer came.
type deed struct {
	kind       string
	account    string // whose sessions or tokens
	sid        string // the one session that ends, or the one that stays
	kid        string
	sent, done time.Time // done: zero while nobody was told
	void       bool      // it is known that it never happened
}

func (d *deed) String() string {
	return strings.TrimSuffix(d.kind+" of account "+d.account, " of account ")
}

// A reach tells whether a deed touches something.
type reach int

const (
	no reach = iota
	maybe
	surely
)

// The kinds of deeds.
const (
	endOne    = "end one"
	endOthers = "end others"
	endAll    = "end all"
	takeRight = "take a right"
	loseKey   = "lose a key"
)

// ends tells whether a deed ends a sitting.
func (d *deed) ends(s *sitting) reach {
	switch {
	case d.void, d.kind == takeRight, d.kind == loseKey, d.account != s.account:
		return no
	case d.kind == endOne:
		return when(d.sid == s.id, surely, no)
	case d.kind == endOthers && d.sid == s.id:
		return no
	}
	return d.order(s.asked, s.got)
}

// kills tells whether a deed kills a token.
func (d *deed) kills(t *token) reach {
	switch {
	case d.void:
		return no
	case d.kind == loseKey:
		return when(d.kid == t.kid, surely, no)
	case d.kind == takeRight && d.account == t.session.account:
		return d.order(t.asked, t.got)
	}
	return d.ends(t.session)
}

// order is for deeds about what was there before them.
func (d *deed) order(asked, got time.Time) reach {
	switch {
	case got.Before(d.sent):
		return surely
	case !d.done.IsZero() && asked.After(d.done):
		return no
	}
	return maybe
}

func when[T any](b bool, then, otherwise T) T {
	if b {
		return then
	}
	return otherwise
}

// The truth is who was given what and who ended what.
type truth struct {
	mu       sync.Mutex
	tokens   map[string]*token // by text
	sittings map[string]*sitting
	people   map[string][]*deed // by account
	keys     map[string]*deed
	lost     time.Time // when a key was last lost
	logins   int
	broken   []string
	told     []string // what came of what was planned
}

func newTruth() *truth {
	return &truth{tokens: map[string]*token{}, sittings: map[string]*sitting{}, people: map[string][]*deed{}, keys: map[string]*deed{}}
}

// breaks notes that a promise was broken.
func (t *truth) breaks(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.broken = append(t.broken, at()+" "+fmt.Sprintf(format, args...))
}

// note tells what came of something.
func (t *truth) note(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.told = append(t.told, at()+" "+fmt.Sprintf(format, args...))
}

// learn notes a token that somebody was given.
func (t *truth) learn(device, text string, asked time.Time) *token {
	seen, err := jwt.InspectUnverified(text)
	var head struct {
		Kid string `json:"kid"`
	}
	k := &token{text: text, asked: asked, got: time.Now()}
	if err == nil {
		err = json.Unmarshal(seen.Claims, &k.claims)
	}
	if err == nil {
		err = json.Unmarshal(seen.Header, &head)
	}
	if err != nil {
		t.breaks("%s was given an access token that nobody can read: %v", device, err)
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	k.kid, k.name = head.Kid, fmt.Sprintf("%s's token %d", device, len(t.tokens)+1)
	s := t.sittings[k.claims.SessionID]
	if s == nil {
		t.logins++
		s = &sitting{name: fmt.Sprintf("%s's session %d", device, t.logins), id: k.claims.SessionID, account: k.claims.Subject, asked: asked, got: k.got}
		t.sittings[s.id] = s
	}
	k.session, s.last, t.tokens[text] = s, k, k
	return k
}

// act notes that a deed is sent.
func (t *truth) act(d deed) *deed {
	t.mu.Lock()
	defer t.mu.Unlock()
	d.sent = time.Now()
	if d.kind == loseKey {
		t.keys[d.kid], t.lost = &d, d.sent
	} else {
		t.people[d.account] = append(t.people[d.account], &d)
	}
	return &d
}

// certain notes that somebody was told that a deed is done. It returns the tokens
// that died of it.
func (t *truth) certain(d *deed) (dead []*token) {
	t.mu.Lock()
	defer t.mu.Unlock()
	d.done = time.Now()
	for _, s := range t.sittings {
		if s.last != nil && d.kills(s.last) == surely {
			dead = append(dead, s.last)
		}
	}
	slices.SortFunc(dead, func(a, b *token) int { return a.got.Compare(b.got) })
	return dead
}

func (t *truth) withdrawn(d *deed) {
	t.mu.Lock()
	defer t.mu.Unlock()
	d.void = true
}

func (t *truth) deeds(k *token) []*deed {
	list := t.people[k.session.account]
	if d := t.keys[k.kid]; d != nil {
		return append([]*deed{d}, list...)
	}
	return list
}

// dead returns the deed by which a token has been dead for longer than a bound,
// and whether it may be dead already.
func (t *truth) dead(k *token, now time.Time, bound time.Duration) (long *deed, perhaps bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, d := range t.deeds(k) {
		r := d.kills(k)
		perhaps = perhaps || r != no
		if r == surely && !d.done.IsZero() && now.After(d.done.Add(bound)) {
			long = d
		}
	}
	return long, perhaps
}

// over tells whether somebody may have ended a session.
func (t *truth) over(sid string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.sittings[sid]
	return s != nil && slices.ContainsFunc(t.people[s.account], func(d *deed) bool { return d.ends(s) != no })
}

// keyLost tells whether a key was lost not long ago: services may not know yet
// the one that took its place.
func (t *truth) keyLost(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.lost.IsZero() && now.Sub(t.lost) < 2*time.Minute
}

func (t *truth) find(text string) *token {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tokens[text]
}

// at is the time of the town, since it began at midnight of the bubble's clock.
func at() string { return span(time.Since(dawn)) }

func span(d time.Duration) string {
	return fmt.Sprintf("%3d:%02d:%02d.%03d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60, d.Milliseconds()%1000)
}

// dawn is when every bubble begins.
var dawn = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
