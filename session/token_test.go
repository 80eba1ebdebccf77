package session_test

import (
	"encoding/base64"
	"errors"
	"hash/crc32"
	"math/big"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/secret"
	"github.com/jotkeeper/jotkeeper/session"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

// vectors are docs/spec/vectors/refresh-token.txt: paragraphs of "name value".
func vectors(t testing.TB) []map[string]string {
	t.Helper()
	text, err := os.ReadFile("../docs/spec/vectors/refresh-token.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all []map[string]string
	for _, paragraph := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
		v := map[string]string{}
		for _, line := range strings.Split(paragraph, "\n") {
			if name, value, ok := strings.Cut(line, " "); ok && name != "#" {
				v[name] = strings.Trim(value, `"`)
			}
		}
		if v["case"] != "" {
			all = append(all, v)
		}
	}
	if len(all) == 0 {
		t.Fatal("no vectors")
	}
	return all
}

// TestRefreshTokenVectors runs the vectors of the specification.
func TestRefreshTokenVectors(t *testing.T) {
	h := newHouse(t, memory.New())
	results := map[string]int{}
	for _, v := range vectors(t) {
		t.Run(v["case"], func(t *testing.T) {
			results[v["result"]]++
			master, err := secret.NewKey([]byte(v["master"]))
			if err != nil {
				t.Fatal(err)
			}
			ring := secret.NewRing(master)
			h.cfg.Master = ring
			h.rebuild()
			err = h.Examine(v["token"])
			switch v["result"] {
			case "valid":
				if err != nil {
					t.Fatal(err)
				}
				generation, _ := strconv.ParseUint(v["generation"], 10, 32)
				id, _ := ring.Signing()
				made, err := session.RefreshToken(master, id, v["sid"], uint32(generation))
				if err != nil || made != v["token"] {
					t.Errorf("made %q, %v; want %q", made, err, v["token"])
				}
				if tag := session.SeenTag(master, v["sid"], uint32(generation)); tag != v["tag"] {
					t.Errorf("tag %q, want %q", tag, v["tag"])
				}
			case "malformed":
				if reasonOf(err) != jwt.Malformed || !strings.Contains(err.Error(), v["says"]) || v["says"] == "" {
					t.Errorf("got %v, want malformed with %q", err, v["says"])
				}
			case "forged":
				if reasonOf(err) != jwt.Malformed || errors.Is(err, session.ErrMalformed) {
					t.Errorf("got %v, want malformed for its MAC alone", err)
				}
			case "retry":
				if !errors.Is(err, session.ErrRetry) {
					t.Errorf("got %v, want ErrRetry", err)
				}
			default:
				t.Errorf("result %q is not known", v["result"])
			}
		})
	}
	if results["valid"] == 0 || results["malformed"] == 0 || results["forged"] == 0 || results["retry"] == 0 {
		t.Errorf("vectors lack a result: %v", results)
	}
}

// TestOneSpelling has what is read written back to the same text.
func TestOneSpelling(t *testing.T) {
	issued := newHouse(t, memory.New()).login(evening)
	const digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	body := issued.Refresh[4:60]
	value, _ := new(big.Int).SetString(body, 62)
	larger := value.Add(value, new(big.Int).Lsh(big.NewInt(1), 328)).Text(62) // the same bytes, once around
	for name, body := range map[string]string{"once around": larger, "signed": "+" + body[1:], "negative": "-" + body[1:], "grouped": "_" + body[1:]} {
		text := "jkr_" + body
		sum := big.NewInt(int64(crc32.ChecksumIEEE([]byte(text)))).Text(62)
		text += strings.Repeat(digits[:1], 6-len(sum)) + sum
		if _, err := session.ParseRefresh(text); !errors.Is(err, session.ErrMalformed) {
			t.Errorf("%s: %q: %v, want ErrMalformed", name, text, err)
		}
	}
	if _, err := session.ParseRefresh(issued.Refresh); err != nil {
		t.Error(err)
	}
}

// TestScannersKnowOne is what a scanner of leaked secrets looks for.
func TestScannersKnowOne(t *testing.T) {
	pattern := regexp.MustCompile(`\bjkr_[0-9A-Za-z]{62}\b`)
	h := newHouse(t, memory.New())
	for range 100 {
		if raw := h.login(evening).Refresh; pattern.FindString(`TOKEN="`+raw+`"`) != raw {
			t.Errorf("%q does not look like one", raw)
		}
	}
}

// TestDerivedNotStored reads all that a store keeps of a session.
func TestDerivedNotStored(t *testing.T) {
	h := newHouse(t, memory.New())
	first := h.login(evening)
	second := h.refreshes(evening.Add(time.Minute), first.Refresh, "rotate")
	row := h.row(first.Session.ID)
	for _, raw := range []string{first.Refresh, second.Refresh} {
		r, err := session.ParseRefresh(raw)
		if err != nil || r.SessionID != row.ID || r.KeyID != row.KeyID {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	thief := newHouse(t, memory.New()) // has the row, and a master key of his own
	id, own := thief.cfg.Master.Signing()
	forged, err := session.RefreshToken(own, id, row.ID, row.Generation)
	if err != nil {
		t.Fatal(err)
	}
	h.refused(evening.Add(time.Minute), forged, session.Error{Outcome: "retry", Reason: jwt.Unavailable})
}

func TestASessionIDOfAnotherShapeIsRefused(t *testing.T) {
	master := secret.Generate()
	for _, sid := range []string{"", "short", strings.Repeat("A", 23), strings.Repeat("A", 21) + "B", base64.StdEncoding.EncodeToString(make([]byte, 16))} {
		if _, err := session.RefreshToken(master, 1, sid, 0); err == nil {
			t.Errorf("%q was taken for a session ID", sid)
		}
	}
}

// FuzzParseRefresh: whatever is read is one of ours in shape, and is written
// back to the same text; no other text of the same meaning is read.
func FuzzParseRefresh(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v["token"])
	}
	f.Fuzz(func(t *testing.T, raw string) {
		r, err := session.ParseRefresh(raw)
		if err != nil {
			if !errors.Is(err, session.ErrMalformed) {
				t.Fatalf("%q: %v is not ErrMalformed", raw, err)
			}
			return
		}
		if got := r.Text(); got != raw {
			t.Fatalf("read %q, written back %q", raw, got)
		}
	})
}
