package feed_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// appends lets an origin append to its log.
func (b *book) appends(c *feed.HandlerConfig) {
	c.Append = func(_ context.Context, by feed.Grant, rules ...revocation.Rule) (revocation.Cursor, error) {
		if b.trouble != nil {
			return revocation.Cursor{}, b.trouble
		}
		b.append(rules...)
		b.by = by.Name
		return b.Head(context.Background())
	}
}

func oneRule(sid string) string {
	return `{"rules":[{"scope":"sid","id":"` + sid + `","action":"revoke","reason":"stolen"}]}`
}

// pinned is a follower that never confirms: a stream without a name.
func (s *site) pinned(after string) (leave func()) {
	s.t.Helper()
	stream := s.open("/revocation/v1/stream?after=" + after)
	synctest.Wait()
	return func() {
		stream.Body.Close()
		synctest.Wait()
	}
}

// A109: whoever found out appends the rule, and knows when every service
// refuses. Twenty services, one answer.
func TestA109AReceiptSaysThatEverybodyRefuses(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log := newBook()
		s.origin(log, log.appends)
		var all []*verifier
		for range 20 {
			all = append(all, s.verifier())
		}
		for i, scope := range []string{"sub", "tid", "sid"} {
			got := s.post("rules?wait=connected", pushing, `{"rules":[{"scope":"`+scope+`","id":"x","action":"revoke","reason":"left the company"}]}`)
			if want := fmt.Sprintf(`{"cursor":"1:%d","seq":%d,"connected":20,"acked":20,"absent":0,"ms":`, i+1, i+1); got.StatusCode != 200 || !strings.HasPrefix(got.text, want) {
				t.Fatalf("%d %s, want %s", got.StatusCode, got.text, want)
			}
			for _, v := range all {
				if v.Cursor().Seq != uint64(i+1) {
					t.Errorf("one is at %v when the receipt says that all have it", v.Cursor())
				}
			}
		}
		for _, v := range all {
			if !v.refuses("x") {
				t.Error("a verifier accepts")
			}
		}
		if log.by != "fraud desk" {
			t.Errorf("appended by %q", log.by)
		}
	})
}

// A receipt is honest: who has not confirmed is counted as connected, whoever
// was here and is not as absent, and the answer is 202.
func TestAReceiptCountsThoseWhoHaveNotConfirmed(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log := newBook()
		s.origin(log, log.appends)
		gone := s.verifier()
		pass(time.Second)
		gone.stop()
		pass(time.Second)
		s.verifier()
		m, metered := s.metered("/acks")
		deaf := s.verifier(metered)
		m.lose = true

		before := time.Now()
		got := s.post("rules?wait=connected&timeout=3", pushing, oneRule("phone"))
		if want := `{"cursor":"1:1","seq":1,"connected":2,"acked":1,"absent":1,"ms":3000}`; got.StatusCode != 202 || got.text != want || time.Since(before) != 3*time.Second {
			t.Errorf("after %v: %d %s, want %s", time.Since(before), got.StatusCode, got.text, want)
		}
		if !deaf.refuses("phone") {
			t.Error("it has the rule, and only could not say so")
		}
		if got := s.post("rules", pushing, oneRule("phone")); got.StatusCode != 202 || !strings.Contains(got.text, `"seq":2,"connected":2,"acked":0,`) {
			t.Errorf("without waiting: %d %s", got.StatusCode, got.text)
		}
		if got := s.post("rules?wait=connected&timeout=25", pushing, oneRule("phone")); got.StatusCode != 202 || !strings.Contains(got.text, `"ms":25000`) {
			t.Errorf("longer than the server's own limits: %d %s", got.StatusCode, got.text)
		}
		deaf.stop()
		before = time.Now()
		got = s.post("rules?wait=connected&timeout=3", pushing, oneRule("phone"))
		if got.StatusCode != 200 || !strings.Contains(got.text, `"connected":1,"acked":1,"absent":2,`) || time.Since(before) >= time.Second {
			t.Errorf("when the deaf one has left: %d %s after %v", got.StatusCode, got.text, time.Since(before))
		}
	})
}

// A stream without a name is connected, and nobody can say what its reader has.
func TestANamelessFollowerConfirmsNothing(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log := newBook()
		s.origin(log, log.appends)
		leave := s.pinned("1:0")
		if got := s.post("rules?wait=connected&timeout=1", pushing, oneRule("phone")); got.StatusCode != 202 || !strings.Contains(got.text, `"connected":1,"acked":0,"absent":0,`) {
			t.Errorf("%d %s", got.StatusCode, got.text)
		}
		time.AfterFunc(time.Second, leave)
		if got := s.post("rules?wait=connected&timeout=9", pushing, oneRule("phone")); got.StatusCode != 200 || !strings.Contains(got.text, `"connected":0,"acked":0,"absent":0,"ms":1000`) {
			t.Errorf("when it has left: %d %s", got.StatusCode, got.text)
		}
	})
}

// An origin that stops sends its followers away. Nobody has confirmed then.
func TestAnOriginThatStopsConfirmsNothing(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log := newBook()
		h, err := feed.NewHandler(with(feed.HandlerConfig{Issuer: issuer, Source: log, Allow: allow}, log.appends))
		if err != nil {
			t.Fatal(err)
		}
		defer s.serve(h)()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- h.Run(ctx) }()
		synctest.Wait()
		defer s.pinned("1:0")()
		time.AfterFunc(time.Second, cancel)
		before := time.Now()
		got := s.post("rules?wait=connected&timeout=9", pushing, oneRule("phone"))
		if got.StatusCode != 202 || time.Since(before) != time.Second {
			t.Errorf("%d %s after %v", got.StatusCode, got.text, time.Since(before))
		}
		<-done
	})
}

func with(cfg feed.HandlerConfig, change func(*feed.HandlerConfig)) feed.HandlerConfig {
	change(&cfg)
	return cfg
}

// A185: a log that cannot be written is 503, and never a success.
func TestA185ALogInTroubleIsNeverASuccess(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log := newBook()
		s.origin(log, log.appends)
		for _, trouble := range []error{errors.New("disk full at /var/lib/x.db"), context.DeadlineExceeded} {
			log.set(func() { log.trouble = trouble })
			got := s.post("rules?wait=connected", pushing, oneRule("phone"))
			if got.StatusCode != 503 || got.code() != "unavailable" || strings.Contains(got.text, "x.db") || log.head != 0 {
				t.Errorf("%d %s, the head is %d", got.StatusCode, got.text, log.head)
			}
		}
		log.set(func() { log.trouble = fmt.Errorf("%w: not this one", revocation.ErrBadRule) })
		if got := s.post("rules", pushing, oneRule("phone")); got.StatusCode != 400 || got.code() != "malformed_request" {
			t.Errorf("a rule that the log refuses: %d %s", got.StatusCode, got.text)
		}
	})
}

// A170, A178: what a body says is taken whole or not at all.
func TestA170RulesThatAreRefused(t *testing.T) {
	rule := func(members string) string { return `{"rules":[{` + members + `}]}` }
	evening(t, func(t *testing.T, s *site) {
		log := newBook()
		s.origin(log, log.appends)
		for text, want := range map[string]string{
			rule(`"scope":"planet","id":"x","action":"revoke"`):                                                           "Rule 1: unknown scope; want jti, sid, sub, tid, kid or iss.",
			rule(`"id":"x","action":"revoke"`):                                                                            "Rule 1: unknown scope",
			rule(`"scope":"sid","id":"x","action":"pardon"`):                                                              "Rule 1: unknown action; want rotate or revoke.",
			rule(`"scope":"sid","id":"x","action":"none"`):                                                                "Rule 1: unknown action",
			rule(`"scope":"sid","id":"x"`):                                                                                "Rule 1: unknown action",
			rule(`"scope":"iss","id":"` + issuer + `/","action":"revoke"`):                                                "Rule 1: the issuer of this feed is \\\"https://id.example.com\\\": a rule about another refuses nothing.",
			rule(`"scope":"sid","id":"","action":"revoke"`):                                                               "Rule 1: id is missing",
			rule(`"scope":"sid","action":"revoke"`):                                                                       "Rule 1: id is missing",
			rule(`"scope":"sid","id":"` + strings.Repeat("x", 256) + `","action":"revoke"`):                               "Rule 1: an id has at most 255 bytes.",
			rule(`"scope":"sid","id":"x","action":"revoke","reason":"a\nb"`):                                              "Rule 1: a reason has",
			rule(`"scope":"sid","id":"x","action":"revoke","until":"1999-12-31T23:00:00Z"`):                               "Rule 1: until is over.",
			rule(`"scope":"sid","id":"x","action":"revoke","until":"2011-01-01T00:00:00Z"`):                               "Rule 1: a rule is in force within ten years",
			rule(`"scope":"sid","id":"x","action":"revoke","from":"2011-01-01T00:00:00Z"`):                                "Rule 1: a rule is in force within ten years",
			rule(`"scope":"sid","id":"x","action":"revoke","from":"2002-01-02T00:00:00Z","until":"2002-01-01T00:00:00Z"`): "Rule 1: from is after until.",
			`{"rules":[{"scope":"sid","id":"x","action":"revoke"},{"scope":"sid","id":"y","action":"x"}]}`:                "Rule 2: unknown action",
			rule(`"scope":"sid","id":"x","action":"revoke","untill":"2001-01-01T00:00:00Z"`):                              "The body is not",
			rule(`"scope":"sid","id":"x","id":"y","action":"revoke"`):                                                     "The body is not",
			rule(`"scope":"sid","id":["x"],"action":"revoke"`):                                                            "The body is not",
			rule(`"scope":"sid","id":"\ud800","action":"revoke"`):                                                         "The body is not",
			oneRule("x") + `{}`: "The body is not",
			`{"rules":[]}`:      "1 to 1000 rules",
			`{}`:                "1 to 1000 rules",
			``:                  "The body is not",
			`{"rules":[` + strings.Repeat(`{"scope":"sid","id":"x","action":"revoke"},`, 1000) + `{"scope":"sid","id":"x","action":"revoke"}]}`: "1 to 1000 rules",
		} {
			got := s.post("rules", pushing, text)
			if got.StatusCode != 400 || got.code() != "malformed_request" || !strings.Contains(got.text, want) {
				t.Errorf("%.90s: %d %s, want %s", text, got.StatusCode, got.text, want)
			}
		}
		for _, query := range []string{"wait=all", "wait=connected&timeout=26", "timeout=x", "timeout=-1"} {
			if got := s.post("rules?"+query, pushing, oneRule("x")); got.StatusCode != 400 || got.code() != "malformed_request" {
				t.Errorf("%s: %d %s", query, got.StatusCode, got.text)
			}
		}
		if got := s.post("rules", pushing, oneRule("x"), "Content-Type", "application/x-www-form-urlencoded"); got.StatusCode != 415 {
			t.Errorf("a form: %d %s", got.StatusCode, got.text)
		}
		if got := s.post("rules", pushing, oneRule(strings.Repeat("x", 70_000))); got.StatusCode != 413 || got.code() != "too_large" {
			t.Errorf("a large one: %d %s", got.StatusCode, got.text)
		}
		if log.head != 0 {
			t.Errorf("%d rules were appended", log.head)
		}
		pass(time.Second)
	})
}

// A172: a credential that is good for something else appends nothing.
func TestA172OnlyACredentialForItAppends(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log := newBook()
		s.origin(log, log.appends)
		for token, want := range map[string]string{credential: "403 scope", "jkf_nobody": "401 feed_credential"} {
			got := s.post("rules", token, oneRule("x"))
			if strconv.Itoa(got.StatusCode)+" "+got.code() != want || strings.Contains(got.text, "jkf_") {
				t.Errorf("%d %s, want %s", got.StatusCode, got.text, want)
			}
		}
		if got := s.post("acks", pushing, `{"follower":"ME","cursor":"1:0"}`); got.StatusCode != 403 {
			t.Errorf("an ack with a credential that appends: %d %s", got.StatusCode, got.text)
		}
		if log.head != 0 {
			t.Errorf("%d rules were appended", log.head)
		}
	})
}

func TestAnOriginThatTakesNoRules(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		s.origin(newBook())
		if got := s.post("rules", pushing, oneRule("x")); got.StatusCode != 404 {
			t.Errorf("%d %s", got.StatusCode, got.text)
		}
		if got := s.get("/.well-known/revocation-feed"); strings.Contains(got.text, "rules") {
			t.Errorf("it says that it does: %s", got.text)
		}
		if _, err := s.asked(pushing).Push(t.Context(), 0, ended("x")); !errors.Is(err, feed.ErrProtocol) {
			t.Errorf("a push: %v", err)
		}
	})
}

// Who waits for followers takes a place, and there are so many of them.
func TestOnlySoManyPushesWait(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log := newBook()
		s.origin(log, log.appends)
		leave := s.pinned("1:0")
		var work sync.WaitGroup
		for range 100 {
			work.Go(func() {
				if got := s.post("rules?wait=connected&timeout=20", pushing, oneRule("x")); got.StatusCode != 200 {
					t.Errorf("%d %s", got.StatusCode, got.text)
				}
			})
		}
		pass(time.Second)
		if got := s.post("rules", pushing, oneRule("x")); got.StatusCode != 503 || got.code() != "busy" || log.head != 100 {
			t.Errorf("one more: %d %s, the head is %d", got.StatusCode, got.text, log.head)
		}
		leave()
		work.Wait()
		if got := s.post("rules", pushing, oneRule("x")); got.StatusCode != 200 {
			t.Errorf("afterwards: %d %s", got.StatusCode, got.text)
		}
	})
}

func TestAPushFromAnotherMachine(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log := newBook()
		s.origin(log, log.appends)
		v := s.verifier()
		until := time.Now().Add(time.Hour).UTC()
		rule := revocation.Rule{Scope: revocation.ScopeSession, ID: "phone", Action: revocation.Revoke, Reason: "stolen", Until: until}
		got, err := s.asked(pushing).Push(t.Context(), 5*time.Second, rule)
		if want := (feed.Receipt{Cursor: revocation.Cursor{Epoch: 1, Seq: 1}, Connected: 1, Acked: 1}); err != nil || got != want || !got.Complete() {
			t.Errorf("got %+v, %v", got, err)
		}
		if kept := log.kept[0].Rule; !v.refuses("phone") || kept != rule {
			t.Errorf("the log has %+v", kept)
		}
		defer s.pinned("1:1")()
		before := time.Now()
		if got, err := s.asked(pushing).Push(t.Context(), 7*time.Second, rule); err != nil || got.Complete() || got.Took != 7*time.Second || time.Since(before) != got.Took {
			t.Errorf("with one that does not confirm: %+v, %v", got, err)
		}
		bad := rule
		bad.ID = ""
		if _, err := s.asked(pushing).Push(t.Context(), 0, bad); !errors.Is(err, revocation.ErrBadRule) || !strings.Contains(err.Error(), "Rule 1: id is missing") {
			t.Errorf("an empty ID: %v", err)
		}
		for _, token := range []string{credential, "jkf_nobody"} {
			if _, err := s.asked(token).Push(t.Context(), 0, rule); !errors.Is(err, feed.ErrUnauthorized) || strings.Contains(err.Error(), token) {
				t.Errorf("with a wrong credential: %v", err)
			}
		}
		log.set(func() { log.trouble = errors.New("disk full") })
		if _, err := s.asked(pushing).Push(t.Context(), 0, rule); !errors.Is(err, feed.ErrUnavailable) {
			t.Errorf("a log in trouble: %v", err)
		}
	})
}

// An answer that is no receipt is no success, whoever gave it.
func TestAnAnswerThatIsNoReceipt(t *testing.T) {
	document := `{"v":1,"issuer":"` + issuer + `","stream":"","events":"","snapshot":"","rules":"../rules","followers":"../followers","formats":[],"beat_ms":500,"max_stale_ms":2000,"retention_s":1}`
	for text, status := range map[string]int{`{}`: 200, `{"cursor":"x"}`: 200, `<html>`: 202, `{"cursor":"1:1"`: 200, `{"cursor":"1:1"}`: 204, `{"cursor":"1:2"}`: 302} {
		evening(t, func(t *testing.T, s *site) {
			defer s.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				if r.URL.Path == "/.well-known/revocation-feed" {
					fmt.Fprint(w, document)
					return
				}
				w.Header().Set("Location", "https://elsewhere.example/rules")
				w.WriteHeader(status)
				if status != 204 {
					fmt.Fprint(w, text)
				}
			}))()
			if got, err := s.asked(pushing).Push(t.Context(), 0, ended("x")); !errors.Is(err, feed.ErrProtocol) {
				t.Errorf("%d %s: %+v, %v", status, text, got, err)
			}
		})
	}
}
