package feed_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// An answer is what a plain HTTP client sees.
type answer struct {
	*http.Response
	text string
}

func (s *site) get(path string, header ...string) answer {
	s.t.Helper()
	res := s.open(path, header...)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{res, string(text)}
}

func (s *site) open(path string, header ...string) *http.Response {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), "GET", "http://127.0.0.1:1"+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+credential)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
		if header[i+1] == "" {
			r.Header.Del(header[i])
		}
	}
	return s.send(r)
}

func (s *site) send(r *http.Request) *http.Response {
	s.t.Helper()
	t := s.transport()
	t.DisableKeepAlives = true
	res, err := t.RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	return res
}

func (s *site) round(r *http.Request) answer {
	s.t.Helper()
	res := s.send(r)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{res, string(text)}
}

func (a answer) code() string {
	var p struct {
		Code string `json:"code"`
	}
	_ = json.Unmarshal([]byte(a.text), &p)
	return p.Code
}

func TestDiscoveryTellsWhereEverythingIs(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		s.origin(newBook())
		got := s.get("/.well-known/revocation-feed", "Authorization", "")
		want := `{"v":1,"issuer":"https://id.example.com","epoch":1,"stream":"../revocation/v1/stream","events":"../revocation/v1/events",` +
			`"snapshot":"../revocation/v1/snapshot","acks":"../revocation/v1/acks","followers":"../revocation/v1/followers","check":"../revocation/v1/check","formats":["text/event-stream","application/vnd.jotkeeper.revocations","application/json"],` +
			`"beat_ms":500,"max_stale_ms":2000,"retention_s":3600}`
		if got.StatusCode != 200 || got.text != want || got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("got %d %s\nwant %s", got.StatusCode, got.text, want)
		}
	})
}

func TestBelowAnIssuerWithAPath(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log := newBook(ended("phone"))
		s.origin(log, func(c *feed.HandlerConfig) { c.Issuer = issuer + "/auth" })
		v := s.verifier(func(c *feed.ClientConfig) {
			c.Issuer, c.URL = issuer+"/auth", "http://127.0.0.1:1/auth"
			c.Index = revocation.NewIndex(c.Issuer)
		})
		if v.stale() || v.Rules() != 1 {
			t.Errorf("got %+v", v.client.Stats())
		}
		if got := s.get("/revocation/v1/snapshot"); got.StatusCode != 404 || got.code() != "not_found" {
			t.Errorf("beside the issuer's path: %d %s", got.StatusCode, got.text)
		}
	})
}

func TestNobodyReadsWithoutACredential(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		s.origin(newBook(ended("phone")))
		for _, path := range []string{"/revocation/v1/stream?after=1:1", "/revocation/v1/events?after=1:0", "/revocation/v1/snapshot?x=y"} {
			for header, want := range map[string]string{
				"":                                  "missing",
				"Bearer wrong":                      "feed_credential",
				"Bearer":                            "feed_credential",
				"Basic " + credential:               "feed_credential",
				"Bearer " + credential + ", Bearer": "feed_credential",
			} {
				got := s.get(path, "Authorization", header)
				if got.StatusCode != 401 || got.code() != want || strings.Contains(got.text, "phone") || strings.Contains(got.text, "jkf_") {
					t.Errorf("%s with %q: %d %s", path, header, got.StatusCode, got.text)
				}
			}
			if got := s.get(path+"&access_token="+credential, "Authorization", ""); got.StatusCode != 401 {
				t.Errorf("%s: a credential in the address: %d", path, got.StatusCode)
			}
		}
	})
}

// A service that appends need not see who logs out, and one that sees must not
// be able to shut people out (A109).
func TestCredentialsStaySeparate(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		s.origin(newBook(ended("phone")))
		for _, path := range []string{"/revocation/v1/stream?after=1:1", "/revocation/v1/events?after=1:0", "/revocation/v1/snapshot"} {
			got := s.get(path, "Authorization", "Bearer "+pushing)
			if got.StatusCode != 403 || got.code() != "scope" || strings.Contains(got.text, "phone") {
				t.Errorf("%s: %d %s", path, got.StatusCode, got.text)
			}
			if !strings.Contains(got.text, "jotkeeper feed token --for follow") || !strings.Contains(got.Header.Get("WWW-Authenticate"), `scope="follow"`) {
				t.Errorf("it tells no remedy: %s %s", got.Header.Get("WWW-Authenticate"), got.text)
			}
		}
	})
}

// "I cannot tell" is not "no".
func TestACredentialThatCannotBeLookedUp(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		s.origin(newBook(), func(c *feed.HandlerConfig) {
			c.Allow = func(context.Context, string) (feed.Grant, error) {
				return feed.Grant{}, errors.New("sql: /var/lib/x.db is locked")
			}
		})
		got := s.get("/revocation/v1/snapshot")
		if got.StatusCode != 503 || got.code() != "unavailable" || strings.Contains(got.text, "x.db") {
			t.Errorf("got %d %s", got.StatusCode, got.text)
		}
	})
}

// readEvent reads a server-sent event, its lines with | between them.
func readEvent(in *bufio.Reader) (string, error) {
	var lines []string
	for {
		text, err := in.ReadString('\n')
		if err != nil || text == "\n" {
			return strings.Join(lines, "|"), err
		}
		lines = append(lines, strings.TrimSuffix(text, "\n"))
	}
}

// The wire, byte by byte: both formats say the same.
func TestTheWords(t *testing.T) {
	for accept, read := range map[string]func(*bufio.Reader) (string, error){
		"": readEvent, "text/event-stream": readEvent, "*/*": readEvent, "text/event-stream, " + feed.FramesType + ";q=0": readEvent,
		feed.FramesType: func(in *bufio.Reader) (string, error) { return feed.ReadFrame(in) },
		feed.FramesType + ", text/event-stream;q=0.5": func(in *bufio.Reader) (string, error) { return feed.ReadFrame(in) },
	} {
		t.Run(accept, func(t *testing.T) { words(t, accept, read) })
	}
}

func words(t *testing.T, accept string, read func(*bufio.Reader) (string, error)) {
	evening(t, func(t *testing.T, s *site) {
		log := newBook(ended("old"))
		s.origin(log)
		res := s.open("/revocation/v1/stream?after=1:1&nonce=abc123", "Accept", accept)
		in := bufio.NewReader(res.Body)
		boot := ""
		next := func() string {
			got, err := read(in)
			if err != nil {
				t.Fatal(err)
			}
			if boot == "" {
				boot = between(got, `"boot":"`, `"`)
			}
			return strings.ReplaceAll(got, boot, "BOOT")
		}
		want := func(text string) {
			t.Helper()
			if got := next(); got != text {
				t.Errorf("got  %s\nwant %s", got, text)
			}
		}
		want(`event: hello|data: {"v":1,"issuer":"https://id.example.com","boot":"BOOT","now":1,"nonce":"abc123","beat_ms":500}`)
		want(`id: 1:1|data: {"boot":"BOOT","t":0,"e":[]}`)
		want(`id: 1:1|data: {"boot":"BOOT","t":500,"e":[]}`)
		log.append(
			revocation.Rule{Scope: revocation.ScopeSession, ID: "phone", Action: revocation.Revoke, Reason: "logout", Until: time.Now().Add(time.Minute + time.Microsecond)},
			revocation.Rule{Scope: revocation.ScopeSubject, ID: `a"b\c`, Action: revocation.Rotate, From: time.Now().Add(999 * time.Microsecond)},
		)
		want(`id: 1:3|data: {"boot":"BOOT","t":500,"e":[` +
			`{"s":2,"k":"sid","id":"phone","a":"revoke","at":946684800500,"u":946684860501,"r":"logout"},` +
			`{"s":3,"k":"sub","id":"a\"b\\c","a":"rotate","b":"1:3","at":946684800500,"f":946684800500}]}`)
		want(`id: 1:3|data: {"boot":"BOOT","t":1000,"e":[]}`)
		res.Body.Close()
	})
}

func between(s, from, to string) string {
	_, s, _ = strings.Cut(s, from)
	s, _, _ = strings.Cut(s, to)
	return s
}

func TestGoneIsACursorThatCannotBeGoneOnFrom(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		var rules []revocation.Rule
		for range 30 {
			rules = append(rules, ended("x"))
		}
		s.origin(newBook(rules...), func(c *feed.HandlerConfig) { c.Tail = 10 })
		for after, want := range map[string]int{
			"1:30": 200, "1:25": 200, "1:20": 200,
			"1:19": 410, "1:0": 410, "0:0": 410, // too old
			"1:31": 410, "1:18446744073709551615": 410, // ahead of the head
			"2:25": 410, "0:25": 410, // another epoch
			"": 400, "25": 400, "1:-1": 400, "1:025": 400, "1:18446744073709551616": 400,
		} {
			for _, path := range []string{"stream", "events"} {
				res := s.open("/revocation/v1/" + path + "?after=" + after)
				if res.StatusCode != want {
					t.Errorf("%s after %q: %d, want %d", path, after, res.StatusCode, want)
				}
				if want == 410 {
					text, _ := io.ReadAll(res.Body)
					if (answer{res, string(text)}).code() != "snapshot_required" {
						t.Errorf("%s after %q: %s", path, after, text)
					}
				}
				res.Body.Close()
			}
		}
		// A browser's EventSource comes back with what it has seen.
		if got := s.get("/revocation/v1/events?after=1:25", "Last-Event-ID", "1:19"); got.StatusCode != 410 {
			t.Errorf("Last-Event-ID is not believed: %d", got.StatusCode)
		}
	})
}

func TestRulesAreForgottenAfterTheRetention(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log := newBook(ended("x"))
		s.origin(log, func(c *feed.HandlerConfig) { c.Retention = time.Minute })
		pass(2 * time.Minute)
		log.append(ended("y"))
		synctest.Wait()
		for after, want := range map[string]int{"1:0": 410, "1:1": 200} {
			if got := s.get("/revocation/v1/events?after=" + after); got.StatusCode != want {
				t.Errorf("after %s: %d, want %d", after, got.StatusCode, want)
			}
		}
	})
}

// Whoever appends may have a clock that is wrong by days.
func TestRetentionDoesNotAskTheRulesForTheTime(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log := newBook()
		log.clock = -48 * time.Hour
		s.origin(log)
		v := s.verifier()
		log.append(ended("phone"))
		pass(3 * time.Second)
		if got := v.client.Stats(); !v.refuses("phone") || got.Streams != 1 || got.Snapshots != 1 {
			t.Errorf("got %+v", got)
		}
	})
}

func TestLongPoll(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log := newBook(ended("a"), ended("b"), ended("c"))
		s.origin(log)
		poll := func(query string) (cursor string, t, now float64, entries int) {
			var got struct {
				V, Now float64
				T      *float64
				Cursor string
				E      []any
			}
			if err := json.Unmarshal([]byte(s.get("/revocation/v1/events?"+query).text), &got); err != nil || got.V != 1 {
				s.t.Fatal(err, got)
			}
			t = -1
			if got.T != nil {
				t = *got.T
			}
			return got.Cursor, t, got.Now, len(got.E)
		}
		if c, asOf, _, n := poll("after=1:0&limit=2"); c != "1:2" || asOf != -1 || n != 2 {
			t.Errorf("the first page: %s %v %d; a page that is not the last claims nothing", c, asOf, n)
		}
		if c, asOf, now, n := poll("after=1:2"); c != "1:3" || asOf != 0 || now != 1 || n != 1 {
			t.Errorf("the last page: %s %v %v %d", c, asOf, now, n)
		}
		before := time.Now()
		if c, asOf, _, n := poll("after=1:3&wait=3"); c != "1:3" || n != 0 || time.Since(before) != 3*time.Second || asOf < 2500 {
			t.Errorf("in the quiet: %s %v %d after %v", c, asOf, n, time.Since(before))
		}
		time.AfterFunc(time.Second, func() { log.append(ended("d")) })
		before = time.Now()
		if c, _, _, n := poll("after=1:3&wait=25"); c != "1:4" || n != 1 || time.Since(before) != time.Second {
			t.Errorf("a rule after a second: %s %d after %v", c, n, time.Since(before))
		}
		for _, query := range []string{"wait=26", "wait=-1", "wait=x", "limit=0", "limit=1001"} {
			if got := s.get("/revocation/v1/events?after=1:3&" + query); got.StatusCode != 400 || got.code() != "malformed_request" {
				t.Errorf("%s: %d %s", query, got.StatusCode, got.text)
			}
		}
	})
}

func TestTheSnapshotIsEverything(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log := newBook(ended("a"), ended("b"))
		log.kept = log.kept[1:] // the first was compacted away
		s.origin(log)
		log.append(ended("not UTF-8: \xff"))
		synctest.Wait()
		until := time.Now().Add(24 * time.Hour).UnixMilli()
		at := time.Now().UnixMilli()
		want := fmt.Sprintf(`{"v":1,"issuer":"https://id.example.com","cursor":"1:3"}
{"s":2,"k":"sid","id":"b","a":"revoke","at":%d,"u":%d,"r":"logout"}
{"end":1}
`, at, until)
		got := s.get("/revocation/v1/snapshot")
		if got.text != want || got.Header.Get("Content-Type") != "application/x-ndjson" {
			t.Errorf("got  %s\nwant %s", got.text, want)
		}
		etag := got.Header.Get("ETag")
		if got := s.get("/revocation/v1/snapshot", "If-None-Match", etag); got.StatusCode != 304 || got.text != "" {
			t.Errorf("the same again: %d %q", got.StatusCode, got.text)
		}
		if got := s.get("/revocation/v1/snapshot", "Accept-Encoding", "gzip;q=0"); got.text != want {
			t.Errorf("gzip was refused, and came: %q", got.text)
		}
		if got := s.get("/revocation/v1/snapshot", "Accept-Encoding", "br, gzip"); !strings.HasPrefix(got.text, "\x1f\x8b") || got.Header.Get("Content-Encoding") != "gzip" || got.Header.Get("ETag") != etag {
			t.Errorf("gzip was asked for: %q", got.text)
		}
	})
}

// One reader of the store serves all: its reads do not depend on how many follow.
func TestTheStoreIsReadOnceForAll(t *testing.T) {
	count := func(followers int) (heads, reads, waits int) {
		evening(t, func(t *testing.T, s *site) {
			var rules []revocation.Rule
			for range 2500 {
				rules = append(rules, ended("x"))
			}
			log := newBook(rules...)
			o := s.origin(log)
			var all []*verifier
			for range followers {
				all = append(all, s.verifier())
			}
			for range 20 {
				log.append(ended("phone"))
				pass(10 * time.Millisecond)
			}
			pass(5 * time.Second)
			for _, v := range all {
				if v.stale() || v.Cursor().Seq != 2520 {
					t.Errorf("a follower at %v", v.Cursor())
				}
			}
			if o.Followers() != followers {
				t.Errorf("%d followers are counted, want %d", o.Followers(), followers)
			}
			heads, reads, waits = log.heads, log.reads, log.waits
		})
		return heads, reads, waits
	}
	h1, r1, w1 := count(1)
	h60, r60, w60 := count(60)
	if h1 != h60 || r1 != r60 || w1 != w60 || h1 != 1 {
		t.Errorf("heads, reads, waits: %d %d %d for one follower, %d %d %d for sixty", h1, r1, w1, h60, r60, w60)
	}
}

func TestManyAskForTheSnapshotAtOnce(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log := newBook(ended("x"))
		s.origin(log)
		before := log.reads
		var wait sync.WaitGroup
		for range 20 {
			wait.Go(func() {
				if got := s.get("/revocation/v1/snapshot"); got.StatusCode != 200 {
					t.Errorf("status %d", got.StatusCode)
				}
			})
		}
		wait.Wait()
		if n := log.reads - before; n != 1 {
			t.Errorf("%d reads of the store, want one", n)
		}
	})
}

// A follower that does not read is cut, comes back with its cursor, and never
// holds up the others.
func TestASlowFollowerHoldsUpNobody(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log := newBook()
		o := s.origin(log, func(c *feed.HandlerConfig) { c.Tail = 50 })
		v := s.verifier()
		slow := s.open("/revocation/v1/stream?after=1:0") // its body is not read
		defer slow.Body.Close()
		synctest.Wait()
		if o.Followers() != 2 {
			t.Fatalf("%d followers", o.Followers())
		}
		for range 300 {
			log.append(revocation.SessionEnded(strings.Repeat("x", 2000), "logout", time.Now().Add(time.Hour)))
			pass(5 * time.Millisecond)
		}
		before := time.Now()
		log.append(ended("phone"))
		synctest.Wait()
		if !v.refuses("phone") || time.Since(before) != 0 {
			t.Errorf("the other one waits: %+v", v.Stats())
		}
		pass(11 * time.Second)
		if o.Followers() != 1 || v.stale() {
			t.Errorf("%d followers after the slow one's time", o.Followers())
		}
	})
}

// Two hundred followers that are woken for each of two thousand rules a second
// would have no time left to refuse anybody.
func TestAFloodComesInFewWords(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log := newBook()
		o := s.origin(log)
		v := s.verifier()
		res := s.open("/revocation/v1/stream?after=1:0")
		words := make(chan int)
		go func() {
			n := 0
			for lines := bufio.NewScanner(res.Body); lines.Scan(); {
				if strings.Contains(lines.Text(), `"logout"`) {
					n++
				}
			}
			words <- n
		}()
		pass(time.Second)
		for range 100 {
			log.append(ended(fmt.Sprint("phone ", log.head)))
			pass(time.Millisecond)
		}
		pass(5 * time.Millisecond)
		if v.Rules() != 100 {
			t.Errorf("%d rules of 100 a breath after the last", v.Rules())
		}
		pass(5 * time.Millisecond)
		for _, phone := range []string{"a lone phone", "and one more"} {
			pass(time.Millisecond)
			log.append(ended(phone))
			synctest.Wait()
			if !v.refuses(phone) {
				t.Errorf("%s after the flood has to wait", phone)
			}
		}
		o.stop()
		if n := <-words; n != 26 {
			t.Errorf("102 rules came in %d words, want 26", n)
		}
		res.Body.Close()
	})
}

func TestThereAreOnlySoManyFollowers(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		s.origin(newBook(), func(c *feed.HandlerConfig) { c.MaxFollowers = 2 })
		first, second := s.open("/revocation/v1/stream?after=1:0"), s.open("/revocation/v1/stream?after=1:0")
		for _, path := range []string{"stream", "events"} {
			if got := s.get("/revocation/v1/" + path + "?after=1:0"); got.StatusCode != 503 || got.code() != "busy" {
				t.Errorf("the third, %s: %d %s", path, got.StatusCode, got.text)
			}
		}
		first.Body.Close()
		pass(time.Second)
		if got := s.get("/revocation/v1/events?after=1:0"); got.StatusCode != 200 {
			t.Errorf("after one has left: %d", got.StatusCode)
		}
		second.Body.Close()
	})
}

func TestAHandlerThatDoesNotRunKnowsNothing(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		h, err := feed.NewHandler(feed.HandlerConfig{Issuer: issuer, Source: newBook(), Allow: allow})
		if err != nil {
			t.Fatal(err)
		}
		stop := s.serve(h)
		defer stop()
		check := func() {
			t.Helper()
			for _, path := range []string{"stream?after=1:0", "events?after=1:0", "snapshot"} {
				if got := s.get("/revocation/v1/" + path); got.StatusCode != 503 || got.code() != "unavailable" || got.Header.Get("Retry-After") == "" {
					t.Errorf("%s: %d %s", path, got.StatusCode, got.text)
				}
			}
		}
		check()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- h.Run(ctx) }()
		synctest.Wait()
		held := s.open("/revocation/v1/stream?after=1:0")
		cancel()
		<-done
		if _, err := io.ReadAll(held.Body); err != nil { // the stream ends by itself
			t.Error(err)
		}
		check()
	})
}

func TestHandlerConfiguration(t *testing.T) {
	good := feed.HandlerConfig{Issuer: issuer, Source: newBook(), Allow: allow}
	for want, change := range map[string]func(c *feed.HandlerConfig){
		"is not a URL":             func(c *feed.HandlerConfig) { c.Issuer = "id" },
		"use letters, digits":      func(c *feed.HandlerConfig) { c.Issuer += "/{x}" },
		"Source is missing":        func(c *feed.HandlerConfig) { c.Source = nil },
		"Allow is missing":         func(c *feed.HandlerConfig) { c.Allow = nil },
		"a negative limit":         func(c *feed.HandlerConfig) { c.Tail = -1 },
		"Sight and Settle go toge": func(c *feed.HandlerConfig) { c.Settle = time.Minute },
		"a second at least":        func(c *feed.HandlerConfig) { (&gate{}).behind(c); c.Settle = time.Millisecond },
		"would leave followers st": func(c *feed.HandlerConfig) { c.Beat = 1001 * time.Millisecond },
		"at most 500ms":            func(c *feed.HandlerConfig) { c.Beat, c.MaxStale = 501*time.Millisecond, time.Second },
		"MaxStale 999ms is not be": func(c *feed.HandlerConfig) { c.MaxStale = 999 * time.Millisecond },
		"between 1s and 1h":        func(c *feed.HandlerConfig) { c.MaxStale = time.Hour + 1 },
	} {
		cfg := good
		change(&cfg)
		if _, err := feed.NewHandler(cfg); !errors.Is(err, feed.ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want ErrConfig with %q", err, want)
		}
	}
}
