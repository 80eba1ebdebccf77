package feed_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/revocation"
)

const (
	sighting = "jkf_a-credential-that-sees"
	asking   = "jkf_a-credential-that-asks"
)

// A gate is what stands behind sightings and questions.
type gate struct {
	seen      []feed.Sighting
	audiences []string
	asked     []revocation.Query
	verdict   revocation.Verdict
	trouble   error
}

func (g *gate) behind(c *feed.HandlerConfig) {
	c.Settle = 95 * time.Second
	c.Sight = func(_ context.Context, audiences []string, seen []feed.Sighting) error {
		g.seen, g.audiences = append(g.seen, seen...), audiences
		return g.trouble
	}
	c.Verdict = func(_ context.Context, q *revocation.Query) (revocation.Verdict, error) {
		g.asked = append(g.asked, *q)
		return g.verdict, g.trouble
	}
	c.Allow = func(ctx context.Context, got string) (feed.Grant, error) {
		switch got {
		case sighting:
			return feed.Grant{Name: "orders", Scopes: []string{feed.FollowScope, feed.SightScope}, Audiences: []string{"shop", "books"}}, nil
		case sighting + "-too":
			return feed.Grant{Name: "prices", Scopes: []string{feed.SightScope}, Audiences: []string{"prices"}}, nil
		case asking:
			return feed.Grant{Name: "desk", Scopes: []string{feed.CheckScope}}, nil
		case pushing + "-too":
			return feed.Grant{Name: "moss desk", Scopes: []string{feed.AppendScope}}, nil
		case asking + "-too":
			return feed.Grant{Name: "another desk", Scopes: []string{feed.CheckScope}}, nil
		}
		return allow(ctx, got)
	}
}

func (s *site) tell(path, token, body string, header ...string) answer {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), "POST", "http://127.0.0.1:1"+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return s.round(r)
}

const (
	sightings = "/revocation/v1/sightings"
	check     = "/revocation/v1/check"
	one       = `{"v":1,"e":[{"sid":"phone","gen":"7.pkGZ0rVhW1E","age":97}]}`
)

func TestWhatAVerifierSawReachesTheOrigin(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		g := &gate{}
		s.origin(newBook(), g.behind)
		v := s.verifier(func(c *feed.ClientConfig) { c.Token = sighting })
		if got := v.client.Settle(); got != 95*time.Second {
			t.Errorf("settle %v", got)
		}
		var sent []feed.Sighting
		for i := range 600 {
			sent = append(sent, feed.Sighting{SessionID: fmt.Sprint("s", i), Generation: "7.pkGZ0rVhW1E", Age: 97*time.Second + 999*time.Millisecond})
		}
		if err := v.client.Sight(t.Context(), sent); err != nil {
			t.Fatal(err)
		}
		for i := range sent {
			sent[i].Age = 97 * time.Second
		}
		if !slices.Equal(g.seen, sent) || !slices.Equal(g.audiences, []string{"shop", "books"}) {
			t.Errorf("%d arrived for %q, first %+v", len(g.seen), g.audiences, g.seen[:1])
		}
		if n := v.client.Stats().Sightings; n != 600 {
			t.Errorf("%d counted", n)
		}
	})
}

// Only the origin's own document says where sightings go, and only there.
func TestSightingsGoWhereTheyAreWanted(t *testing.T) {
	for name, c := range map[string]struct {
		change func(http.ResponseWriter, *http.Request, http.Handler)
		token  string
		want   error
		settle time.Duration
	}{
		"an origin that takes them": {nil, sighting, nil, 95 * time.Second},
		"not from this credential":  {nil, credential, feed.ErrUnauthorized, 95 * time.Second},
		"an origin that takes none": {document(`"sightings":"../revocation/v1/sightings",`, ``), sighting, feed.ErrUnavailable, 0},
		"a place elsewhere":         {document(`"../revocation/v1/sightings"`, `"https://evil.example.com/"`), sighting, feed.ErrUnavailable, 0},
		"at any age":                {document(`"settle_s":95`, `"settle_s":0`), sighting, feed.ErrUnavailable, 0},
		"an answer of another kind": {document(`"../revocation/v1/sightings"`, `"../nowhere"`), sighting, feed.ErrProtocol, 95 * time.Second},
	} {
		evening(t, func(t *testing.T, s *site) {
			g := &gate{}
			o := s.origin(newBook(), g.behind)
			if c.change != nil {
				inner := o.Handler
				stop := s.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.change(w, r, inner) }))
				defer stop()
			}
			v := s.verifier(func(cfg *feed.ClientConfig) { cfg.Token = c.token })
			defer v.stop()
			if v.stale() || v.client.Settle() != c.settle {
				t.Errorf("%s: stale %v, settle %v, want %v", name, v.stale(), v.client.Settle(), c.settle)
			}
			err := v.client.Sight(t.Context(), []feed.Sighting{{SessionID: "phone", Generation: "7.x", Age: time.Hour}})
			if !errors.Is(err, c.want) || (len(g.seen) == 1) != (c.want == nil) {
				t.Errorf("%s: %v, want %v; %d arrived", name, err, c.want, len(g.seen))
			}
		})
	}
}

// document changes what discovery says.
func document(from, to string) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, r *http.Request, inner http.Handler) {
		if !strings.HasSuffix(r.URL.Path, "/revocation-feed") {
			inner.ServeHTTP(w, r)
			return
		}
		kept := &keeping{header: http.Header{}}
		inner.ServeHTTP(kept, r)
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, strings.Replace(kept.text.String(), from, to, 1))
	}
}

// keeping is a ResponseWriter that sends nothing.
type keeping struct {
	header http.Header
	text   strings.Builder
}

func (k *keeping) Header() http.Header         { return k.header }
func (k *keeping) WriteHeader(int)             {}
func (k *keeping) Write(b []byte) (int, error) { return k.text.Write(b) }

// A109: whoever may follow may not confirm, whoever has none learns nothing; and
// nothing of a refused request reaches what stands behind.
func TestA109WhoMayTellAndAsk(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		g := &gate{}
		s.origin(newBook(), g.behind)
		question := `{"iss":"https://id.example.com","sid":"phone"}`
		for _, c := range []struct {
			name, path, token, body string
			status                  int
			code                    string
		}{
			{"nobody", sightings, "", one, 401, "missing"},
			{"a stranger", sightings, "jkf_unknown", one, 401, "feed_credential"},
			{"a follower", sightings, credential, one, 403, "scope"},
			{"who asks", sightings, asking, one, 403, "scope"},
			{"nobody asks", check, "", question, 401, "missing"},
			{"a stranger asks", check, "jkf_unknown", question, 401, "feed_credential"},
			{"a follower asks", check, credential, question, 403, "scope"},
			{"who sees asks", check, sighting, question, 403, "scope"},
			{"nobody, nonsense", check, "", "[", 401, "missing"},
		} {
			got := s.tell(c.path, c.token, c.body)
			if got.StatusCode != c.status || got.code() != c.code || strings.Contains(got.text, "phone") {
				t.Errorf("%s: %d %s, want %d %s", c.name, got.StatusCode, got.text, c.status, c.code)
			}
		}
		if len(g.seen)+len(g.asked) != 0 {
			t.Errorf("%d seen, %d asked behind a refusal", len(g.seen), len(g.asked))
		}
	})
}

func TestBodiesAreBounded(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		g := &gate{}
		s.origin(newBook(), g.behind)
		many := `{"v":1,"e":[` + strings.Repeat(`{"sid":"a","gen":"1.b","age":97},`, 256)
		for _, c := range []struct {
			name, path, token, body, kind string
			status                        int
			code                          string
		}{
			{"256", sightings, sighting, strings.TrimSuffix(many, ",") + "]}", "application/json", 204, ""},
			{"257", sightings, sighting, many + `{"sid":"a","gen":"1.b","age":97}]}`, "application/json", 400, "malformed_request"},
			{"a large one", sightings, sighting, `{"v":1,"e":[],"x":"` + strings.Repeat("x", 64<<10) + `"}`, "application/json", 413, "too_large"},
			{"a form", sightings, sighting, "v=1", "application/x-www-form-urlencoded", 415, "unsupported_media_type"},
			{"no type", sightings, sighting, one, "", 415, "unsupported_media_type"},
			{"a large question", check, asking, `{"iss":"` + strings.Repeat("x", 4<<10) + `"}`, "application/json", 413, "too_large"},
			{"a question as a form", check, asking, "iss=x", "application/x-www-form-urlencoded", 415, "unsupported_media_type"},
		} {
			got := s.tell(c.path, c.token, c.body, "Content-Type", c.kind)
			if got.StatusCode != c.status || got.code() != c.code {
				t.Errorf("%s: %d %s, want %d %s", c.name, got.StatusCode, got.text, c.status, c.code)
			}
		}
		if len(g.seen) != 256 || len(g.asked) != 0 {
			t.Errorf("%d seen, %d asked", len(g.seen), len(g.asked))
		}
		pass(time.Second) // net/http lingers after a body that was too large
	})
}

// Each credential has a rate of its own; whoever has used it up waits as long as
// he is told.
func TestWhatACredentialMayDoHasARate(t *testing.T) {
	full := `{"v":1,"e":[` + strings.Repeat(`{"sid":"a","gen":"1.b","age":97},`, 199) + `{"sid":"a","gen":"1.b","age":97}]}`
	for path, c := range map[string]struct {
		token, body string
		status      int
		burst       int // requests
		again       time.Duration
		then        int // requests after again
	}{
		sightings: {sighting, full, 204, 20, time.Second, 2},
		check:     {asking, `{"iss":"https://id.example.com","sid":"phone"}`, 200, 200, time.Second, 100},
		"/revocation/v1/rules": {pushing, `{"rules":[` + strings.Repeat(`{"scope":"sid","id":"a","action":"revoke"},`, 999) +
			`{"scope":"sid","id":"a","action":"revoke"}]}`, 200, 10, time.Second, 1},
	} {
		evening(t, func(t *testing.T, s *site) {
			log := newBook()
			s.origin(log, log.appends, (&gate{}).behind)
			exactly := func(n int) {
				t.Helper()
				for i := range n {
					if got := s.tell(path, c.token, c.body); got.StatusCode != c.status {
						t.Fatalf("%s, number %d: %d %s", path, i, got.StatusCode, got.text)
					}
				}
				got := s.tell(path, c.token, c.body)
				if got.StatusCode != 503 || got.code() != "busy" || got.Header.Get("Retry-After") != "1" {
					t.Errorf("%s: %d %s, Retry-After %q; want busy", path, got.StatusCode, got.text, got.Header.Get("Retry-After"))
				}
			}
			exactly(c.burst)
			if got := s.tell(path, c.token+"-too", c.body); got.StatusCode != c.status {
				t.Errorf("%s, another credential: %d %s", path, got.StatusCode, got.text)
			}
			pass(c.again)
			exactly(c.then)
			pass(time.Hour)
			exactly(c.burst)
		})
	}
}

// "I cannot take it now" is not "taken", and says no more.
func TestTroubleBehindIsSaid(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		g := &gate{trouble: errors.New("sql: /var/lib/x.db is locked")}
		s.origin(newBook(), g.behind)
		for path, token := range map[string]string{sightings: sighting, check: asking} {
			body := map[string]string{sightings: one, check: `{"iss":"https://id.example.com","sid":"phone"}`}[path]
			got := s.tell(path, token, body)
			if got.StatusCode != 503 || got.code() != "unavailable" || got.Header.Get("Retry-After") == "" || strings.Contains(got.text, "x.db") {
				t.Errorf("%s: %d %s", path, got.StatusCode, got.text)
			}
		}
		v := s.verifier(func(c *feed.ClientConfig) { c.Token = sighting })
		if err := v.client.Sight(t.Context(), []feed.Sighting{{SessionID: "a", Generation: "1.b"}}); !errors.Is(err, feed.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	})
}

func TestAnOriginMayTakeNeither(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		s.origin(newBook())
		for _, path := range []string{sightings, check} {
			if got := s.tell(path, credential, one); got.StatusCode != 404 || got.code() != "not_found" {
				t.Errorf("%s: %d %s", path, got.StatusCode, got.text)
			}
		}
		if got := s.get("/.well-known/revocation-feed"); strings.Contains(got.text, "sight") || strings.Contains(got.text, "settle") {
			t.Errorf("it is announced: %s", got.text)
		}
	})
}

// Bodies of the specification, each with what it comes to.
func TestBodiesOfTheSpecification(t *testing.T) {
	var spec struct {
		Epoch     uint64
		Rules     []string
		Sightings []struct {
			Name, Body string
			Status     int
			Seen       [][3]any
		}
		Questions []struct {
			Name, Body, Answer string
			Status             int
		}
	}
	text, err := os.ReadFile("../docs/spec/vectors/revocation-feed.json")
	if err == nil {
		err = json.Unmarshal(text, &spec)
	}
	if err != nil || len(spec.Sightings) < 15 || len(spec.Questions) < 20 {
		t.Fatalf("%d, %d: the file lost some; %v", len(spec.Sightings), len(spec.Questions), err)
	}
	x := revocation.NewIndex(issuer)
	for _, line := range spec.Rules {
		e, err := feed.Decode([]byte(line), spec.Epoch)
		if err == nil {
			err = x.Apply(e)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	evening(t, func(t *testing.T, s *site) {
		g := &gate{}
		s.origin(newBook(), g.behind, func(c *feed.HandlerConfig) {
			c.Verdict = func(_ context.Context, q *revocation.Query) (revocation.Verdict, error) {
				return x.Check(time.Now(), q), nil
			}
		})
		for _, c := range spec.Sightings {
			g.seen = nil
			got := s.tell(sightings, sighting, c.Body)
			var seen [][3]any
			for _, one := range g.seen {
				seen = append(seen, [3]any{one.SessionID, one.Generation, one.Age.Seconds()})
			}
			if got.StatusCode != c.Status || !slices.Equal(seen, c.Seen) || c.Status == 204 && got.text != "" {
				t.Errorf("%s: %d %s, seen %v; want %d, %v", c.Name, got.StatusCode, got.text, seen, c.Status, c.Seen)
			}
		}
		for _, c := range spec.Questions {
			got := s.tell(check, asking, c.Body)
			if got.StatusCode != c.Status || c.Status == 200 && strings.TrimSpace(got.text) != c.Answer {
				t.Errorf("%s: %d %s; want %d %s", c.Name, got.StatusCode, got.text, c.Status, c.Answer)
			}
		}
	})
}
