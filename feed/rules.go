package feed

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/jotkeeper/jotkeeper/revocation"
)

const (
	maxRules    = 1000 // of one request
	maxID       = 255  // bytes
	maxReason   = 64
	farthest    = 10 * 365 * 24 * time.Hour
	maxPushes   = 100  // requests that append or wait, at a time
	appendRate  = 1000 // rules a second, of one credential
	appendBurst = 10_000
	pushTimeout = 5 // seconds that a request waits for followers, unless it says otherwise
)

// A pushed is the body of a request that appends.
type pushed struct {
	Rules []rule `json:"rules"`
}

// A rule is one of them, as people write it: times are RFC 3339.
type rule struct {
	Scope  string    `json:"scope"`
	ID     string    `json:"id"`
	Action string    `json:"action"`
	From   time.Time `json:"from,omitzero"`
	Until  time.Time `json:"until,omitzero"`
	Reason string    `json:"reason,omitzero"`
}

func (r rule) rule() revocation.Rule {
	return revocation.Rule{
		Scope: revocation.Scope(r.Scope), ID: r.ID, Action: action(r.Action), From: r.From, Until: r.Until, Reason: r.Reason,
	}
}

// rules appends what a request brings, and tells who has it.
func (h *Handler) rules(w http.ResponseWriter, r *http.Request, by Grant) {
	if h.pushes.Add(1) > maxPushes {
		h.pushes.Add(-1)
		refuse(w, r, errBusy)
		return
	}
	defer h.pushes.Add(-1)
	began := time.Now()
	wait, err := patienceOf(r)
	var list []revocation.Rule
	if err == nil {
		list, err = h.ordered(w, r, began)
	}
	var head revocation.Cursor
	if err == nil {
		head, err = h.append(r.Context(), by, list)
	}
	if err != nil {
		refuse(w, r, err)
		return
	}
	got, complete := h.confirmed(r.Context(), head, wait)
	answer(w, began, head, got, complete)
}

// append gives the rules to the log. What a log finds wrong with a rule is told;
// anything else means that nobody knows whether they are in it.
func (h *Handler) append(ctx context.Context, by Grant, list []revocation.Rule) (revocation.Cursor, error) {
	if busy := h.appending.take(by.Name, len(list), time.Now()); busy != nil {
		return revocation.Cursor{}, busy
	}
	head, err := h.cfg.Append(ctx, by, list...)
	if errors.Is(err, revocation.ErrBadRule) {
		return head, malformed("A rule was refused by the log.")
	}
	return head, err
}

// patienceOf reads for how long a request waits for the followers.
func patienceOf(r *http.Request) (time.Duration, error) {
	seconds, err := number(r, "timeout", pushTimeout, 0, longPoll)
	switch wait := parameter(r, "wait"); {
	case err != nil:
		return 0, malformed("The parameter timeout is 0 to 25 seconds.")
	case wait == "connected":
		return time.Duration(seconds) * time.Second, nil
	case wait != "":
		return 0, malformed("The parameter wait is connected, or left out.")
	}
	return 0, nil
}

// ordered reads the rules of a body. A member that is not known is an error: it
// may be one that was to narrow the rule.
func (h *Handler) ordered(w http.ResponseWriter, r *http.Request, now time.Time) ([]revocation.Rule, error) {
	text, err := body(w, r, maxBody)
	if err != nil {
		return nil, err
	}
	var in pushed
	if err := json.Unmarshal(text, &in, json.RejectUnknownMembers(true)); err != nil {
		return nil, malformed(`The body is not {"rules":[{"scope":…,"id":…,"action":…}]}, with from, until (RFC 3339) and reason where they are wanted.`)
	}
	if len(in.Rules) == 0 || len(in.Rules) > maxRules {
		return nil, malformed(fmt.Sprintf("A request brings 1 to %d rules, this one %d.", maxRules, len(in.Rules)))
	}
	list := make([]revocation.Rule, len(in.Rules))
	for i, r := range in.Rules {
		if wrong := r.wrong(now, h.cfg.Issuer); wrong != "" {
			return nil, malformed(fmt.Sprintf("Rule %d: %s.", i+1, wrong))
		}
		list[i] = r.rule()
	}
	return list, nil
}

// wrong tells what is wrong with a rule: it could not be in force as it stands.
func (r rule) wrong(now time.Time, issuer string) string {
	switch odd := func(c rune) bool { return !unicode.IsPrint(c) }; {
	case r.rule().Validate() == nil:
		switch {
		case len(r.ID) > maxID:
			return fmt.Sprintf("an id has at most %d bytes", maxID)
		case len(r.Reason) > maxReason || strings.ContainsFunc(r.Reason, odd) || !utf8.ValidString(r.Reason):
			return fmt.Sprintf("a reason has at most %d bytes, all of them visible", maxReason)
		case revocation.Scope(r.Scope) == revocation.ScopeIssuer && r.ID != issuer:
			return fmt.Sprintf("the issuer of this feed is %q: a rule about another refuses nothing", issuer)
		case !r.Until.IsZero() && r.Until.Before(now):
			return "until is over"
		case max(r.From.Unix(), r.Until.Unix()) > now.Add(farthest).Unix():
			return "a rule is in force within ten years, or not at all"
		}
		return ""
	case r.ID == "":
		return "id is missing: what the scope names"
	case action(r.Action) == unknownAction:
		return "unknown action; want rotate or revoke"
	case !r.Until.IsZero() && r.From.After(r.Until):
		return "from is after until"
	}
	return "unknown scope; want jti, sid, sub, tid, kid or iss"
}
