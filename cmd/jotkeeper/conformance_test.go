package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/internal/conformance"
	"github.com/jotkeeper/jotkeeper/internal/needs"
)

// wrongly begins the arguments with which this test binary is a verifier.
const wrongly = "verifier-that"

// wrongVerifier is our own verifier with one mistake, the last argument.
func wrongVerifier() {
	mistake := os.Args[len(os.Args)-1]
	v := &answerer{ctx: context.Background()}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, maxTokenInput)
	if mistake == "ends at once" {
		os.Exit(1)
	}
	for in.Scan() {
		var r conformance.Request
		if err := json.Unmarshal(in.Bytes(), &r); err != nil {
			panic(err)
		}
		misunderstand(mistake, &r)
		a, err := v.answer(&r)
		if err != nil {
			panic(err)
		}
		distort(mistake, &r, a)
		text, err := json.Marshal(a)
		if err != nil {
			panic(err)
		}
		fmt.Println(string(text))
	}
}

// unchecked reads a segment of a token without any check.
func unchecked(token string, i int) (members struct {
	Alg, Aud any
	Exp      int64
}) {
	if parts := strings.Split(token, "."); len(parts) == 3 {
		text, _ := base64.RawURLEncoding.DecodeString(parts[i])
		_ = json.Unmarshal(text, &members)
	}
	return members
}

// misunderstand makes the mistakes of those who read a case wrongly.
func misunderstand(mistake string, r *conformance.Request) {
	trouble := strings.HasSuffix(r.Case, "exp absent")
	switch {
	case mistake == "ignores aud":
		if aud, ok := unchecked(r.Token, 1).Aud.(string); ok && aud != "" {
			r.Audience = aud
		}
	case mistake == "ignores exp":
		if exp := unchecked(r.Token, 1).Exp; exp > 1 {
			r.Now = min(r.Now, exp-1)
		}
	case mistake == "is of version 1" && (r.Version != 1 || r.Kind == "offers"):
		fmt.Fprintln(os.Stderr, "what is that?")
		os.Exit(3)
	case mistake == "crashes" && trouble:
		fmt.Fprintln(os.Stderr, "TypeError: exp of undefined")
		os.Exit(3)
	case mistake == "hangs" && trouble:
		select {}
	case mistake == "chats" && trouble:
		fmt.Println("checking a token…")
	case mistake == "rambles" && trouble:
		fmt.Println(strings.Repeat("x", 1<<20))
	case mistake == "answers another" && trouble:
		r.Case = "token/another"
	case mistake == "follows without a credential" && r.Kind == "follow":
		r.Credential = "guessed"
	case mistake == "sends its credential along" && r.Kind == "follow":
		stray(r.URL)
	}
}

// stray goes wherever the document says.
func stray(origin string) {
	res, err := http.Get(origin + "/.well-known/revocation-feed")
	if err != nil {
		return
	}
	defer res.Body.Close()
	var document struct{ Stream string }
	_ = json.NewDecoder(res.Body).Decode(&document)
	if strings.HasPrefix(document.Stream, "http") {
		if res, err := http.Get(document.Stream); err == nil {
			res.Body.Close()
		}
	}
}

// distort makes the mistakes of those who judge a case wrongly.
func distort(mistake string, r *conformance.Request, a *conformance.Answer) {
	yes, no := true, false
	switch {
	case mistake == "takes alg none" && r.Kind == "verify":
		if unchecked(r.Token, 0).Alg == "none" {
			a.Accept, a.Reason = &yes, ""
		}
	case mistake == "offers nothing" && r.Kind == "offers":
		a.Offers = []string{}
	case mistake == "opens what was changed" && a.Reason == "signature" && r.Kind == "open":
		a.Accept, a.Reason, a.Plaintext = &yes, "", "ada@example.com"
	case mistake == "is an oracle" && a.Reason == "signature" && r.Kind == "open":
		a.Reason = "malformed"
	case mistake == "hands out nothing" && r.Kind == "open":
		a.Plaintext = ""
	case mistake == "loses what stood beside" && r.Kind == "open":
		a.Beside = ""
	case mistake == "takes any frame" && a.Cursor == "3:6":
		a.Cursor = "3:7"
	case mistake == "takes no frame" && a.Cursor != "":
		a.Cursor, a.Verdict, a.Scope = r.Cursor, "none", ""
	case mistake == "forgets where it stands":
		a.Cursor = ""
	case mistake == "keeps sessions for ever" && a.Reason == "absolute":
		a.Accept, a.Reason = &yes, ""
	case mistake == "ignores revocations" && a.Verdict != "":
		a.Verdict, a.Scope = "none", ""
	case mistake == "is never stale" && a.Stale != nil:
		a.Stale = &no
	case mistake == "is always stale" && a.Stale != nil:
		a.Stale = &yes
	case mistake == "takes any lock" && r.Kind == "lock" && r.Cookie != "":
		a.Accept, a.Reason = &yes, ""
	case mistake == "refuses everything" && a.Accept != nil:
		a.Accept, a.Reason = &no, "signature"
	case mistake == "looks at exp first" && a.Reason == "signature":
		a.Reason = "expired"
	case mistake == "says only no" && r.Kind == "verify":
		a.Accept = nil
	case mistake == "names the widest" && a.Scope == "sid":
		a.Scope = "sub"
	}
}

// Each mistake is caught, by the case that is about it, as what it is.
func TestWrongVerifiersAreCaught(t *testing.T) {
	for _, c := range []struct {
		mistake, only, caught string
		class                 conformance.Class
		got                   string
	}{
		{"takes alg none", "^token/alg", `token/alg "none"`, conformance.Accepted, `{"accept":true}`},
		{"ignores aud", "^token/aud", `token/aud "https://other.example.com"`, conformance.Accepted, `{"accept":true}`},
		{"ignores exp", "^token/exp", "token/exp at this very second", conformance.Accepted, `{"accept":true}`},
		{"takes any lock", "^lock/", "lock/another session's lock", conformance.Accepted, `{"accept":true}`},
		{"keeps sessions for ever", "^session/sxp", "session/sxp at this very second", conformance.Accepted, `{"accept":true}`},
		{"opens what was changed", "^sealed/tag", "sealed/tag changed", conformance.Accepted, `"accept":true`},
		{"is an oracle", "^sealed/tag", "sealed/tag changed", conformance.Another, `"reason":"malformed"`},
		{"hands out nothing", "^sealed/dir", "sealed/dir A256GCM", conformance.Another, `{"accept":true}`},
		{"loses what stood beside", "^sealed/flattened", "sealed/flattened", conformance.Another, `"accept":true`},
		{"takes any frame", "^frames/a checksum of zeros", "frames/a checksum of zeros", conformance.Accepted, `"cursor":"3:7"`},
		{"takes no frame", "^frames/one rule", "frames/one rule", conformance.Refused, `"cursor":"3:6"`},
		{"forgets where it stands", "^frames/a beat", "frames/a beat", conformance.Another, `{"verdict":"none"}`},
		{"ignores revocations", "^frames/one rule", "frames/one rule", conformance.Accepted, `"verdict":"none"`},
		{"ignores revocations", "^rules/", "rules/a session", conformance.Accepted, `"verdict":"none"`},
		{"ignores revocations", "^follow/a logout$", "follow/a logout", conformance.Accepted, `still after`},
		{"is never stale", "^follow/silence$", "follow/silence", conformance.Accepted, `"stale":false`},
		{"is never stale", "^entry/", "entry/a scope of the future", conformance.Accepted, `"stale":false`},
		{"is always stale", "^follow/a logout$", "follow/a logout", conformance.Refused, `"stale":true`},
		{"follows without a credential", "^follow/a logout$", "follow/a logout", conformance.Refused, `"stale":true`},
		{"sends its credential along", "^follow/a place", "follow/a place on another port", conformance.Accepted, "GET /stream on another port"},
		{"refuses everything", "^token/EdDSA", "token/EdDSA: as it was signed", conformance.Refused, `"reason":"signature"`},
		{"looks at exp first", "^token/RS256", "token/RS256: zeros", conformance.Another, `"reason":"expired"`},
		{"says only no", "^token/with few", "token/with few claims", conformance.Another, `{}`},
		{"names the widest", "^rules/a session$", "rules/a session", conformance.Another, `"scope":"sub"`},
		{"crashes", "^token/exp", "token/exp absent", conformance.Silent, "the process ended, exit status 3: TypeError: exp of undefined"},
		{"hangs", "^token/exp", "token/exp absent", conformance.Silent, "nothing within 5s"},
		{"chats", "^token/exp", "token/exp absent", conformance.Silent, "a line that is no answer: checking a token"},
		{"rambles", "^token/exp", "token/exp absent", conformance.Silent, "a line of more than 65536 bytes"},
		{"answers another", "^token/exp", "token/exp absent", conformance.Silent, `an answer to "token/another"`},
		{"ends at once", "^token/exp", "token/exp in the last second of 9999", conformance.Silent, "not asked: the 5 cases before it got no answer"},
	} {
		t.Run(c.mistake+" "+c.caught, func(t *testing.T) {
			t.Parallel()
			r, err := conformance.Run(t.Context(), conformance.Config{
				Command: []string{os.Args[0], wrongly, c.mistake}, Only: regexp.MustCompile(c.only), Deadline: 5 * time.Second,
			})
			if err != nil {
				t.Fatal(err)
			}
			caught(t, r, c.caught, c.class, c.got)
			if c.class == conformance.Silent && c.mistake != "ends at once" && len(r.Failures) != 1 {
				t.Errorf("%d cases fail, want the one: the run goes on with a new process\n%+v", len(r.Failures), r.Failures)
			}
		})
	}
}

func caught(t *testing.T, r *conformance.Report, name string, class conformance.Class, got string) {
	t.Helper()
	for _, f := range r.Failures {
		if f.Case == name {
			if f.Class != class || !strings.Contains(f.Got, got) || f.Why == "" || f.Want == "" || f.Try == "" {
				t.Errorf("caught as %+v, want %s with %q, and a remedy", f, class, got)
			}
			return
		}
	}
	t.Errorf("%s is not caught; these are: %+v", name, r.Failures)
}

// What a verifier does not offer is neither passed nor failed, and what every
// verifier must do is asked all the same.
func TestAVerifierMayLeaveAPartOut(t *testing.T) {
	for _, habit := range []string{"is of version 1", "offers nothing"} {
		t.Run(habit, func(t *testing.T) {
			t.Parallel()
			r, err := conformance.Run(t.Context(), conformance.Config{
				Command: []string{os.Args[0], wrongly, habit}, Only: regexp.MustCompile("^(lock|session)/"), Deadline: patience,
			})
			if err != nil {
				t.Fatal(err)
			}
			want := []conformance.Group{{Name: "lock", Passed: 36}, {Name: "session", NotOffered: 47}}
			if !slices.Equal(r.Groups, want) || r.Failed() || r.Cases != 83 || r.Asked != 36 || r.Passed() != 36 {
				t.Errorf("%+v, want %+v of 83 cases, 36 of them asked", r, want)
			}
		})
	}
}

// conforms demands that nothing that is asked fails, and that there was enough to
// fail at; what is left out must be what the program says.
func conforms(t *testing.T, only string, leavesOut []string, command ...string) {
	t.Helper()
	r, err := conformance.Run(t.Context(), conformance.Config{Command: command, Only: regexp.MustCompile(only), Deadline: patience})
	if err != nil {
		t.Fatal(err)
	}
	least := map[string]int{"token": 245, "lock": 36, "entry": 23, "rules": 74, "follow": 20, "session": 47, "frames": 43, "sealed": 29}
	asked := 0
	for _, g := range r.Groups {
		if out := slices.Contains(leavesOut, g.Name); out != (g.NotOffered >= least[g.Name]) || !out && g.Passed < least[g.Name] {
			t.Errorf("%+v; want %d cases passed at least, and left out: %v", g, least[g.Name], leavesOut)
		}
		asked += g.Passed + g.Failed
	}
	if asked == 0 || r.Asked != asked || r.Failed() {
		t.Errorf("%d cases were asked, and the report says %d; failures: %+v", asked, r.Asked, r.Failures)
	}
	if only == "" && len(r.Groups) != len(least) {
		t.Errorf("%+v, want %d groups", r.Groups, len(least))
	}
}

// Our own verifier does what the specification says.
func TestOwnVerifierConforms(t *testing.T) {
	t.Parallel()
	conforms(t, "", nil, os.Args[0], wrongly, "makes no mistake")
}

// A verifier without a line of ours does too.
func TestJavaScriptVerifierConforms(t *testing.T) {
	t.Parallel()
	node := needs.Tool(t, "node", "nodejs")
	if old, err := exec.CommandContext(t.Context(), node, "-p", "+process.versions.node.split('.')[0] < 20").Output(); err != nil || string(old) != "false\n" {
		t.Fatalf("node is older than 20 (%v)", err)
	}
	conforms(t, "", []string{"frames", "sealed"}, node, "../../examples/verifier-js/verifier.mjs")
}

// frameReader is in Python, from the pages alone. It does nothing else.
const frameReader = "testdata/conformance/frames.py"

func TestPythonReaderConforms(t *testing.T) {
	t.Parallel()
	conforms(t, "^frames/", nil, needs.Tool(t, "python3", "python3"), frameReader)
}
