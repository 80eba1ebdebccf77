package secret_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/jotkeeper/jotkeeper/secret"
)

const material = "correct horse battery staple, and then some"

func key(t *testing.T, text string) secret.Key {
	t.Helper()
	k, err := secret.NewKey([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKeyNeverPrints(t *testing.T) {
	k := key(t, material)
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("start", "key", k, "pair", []any{k})
	asJSON, err := json.Marshal(map[string]any{"key": k})
	if err != nil {
		t.Fatal(err)
	}
	holder := struct{ K secret.Key }{k}
	for _, text := range []string{
		k.String(), fmt.Sprint(k), fmt.Sprintf("%v %+v %#v %s %q %x %d", k, k, k, k, k, k, k),
		fmt.Sprintf("%+v %#v", holder, &holder), fmt.Errorf("bad: %v", k).Error(), log.String(), string(asJSON),
	} {
		if strings.Contains(text, "horse") || strings.Contains(text, fmt.Sprintf("%x", "horse")) {
			t.Errorf("a key printed: %s", text)
		}
		if !strings.Contains(text, "[secret]") {
			t.Errorf("no redaction in %q", text)
		}
	}
}

// Where a key is an unexported field fmt asks none of its methods.
func TestKeyNeverPrintsFromWithin(t *testing.T) {
	k := key(t, material)
	within := struct {
		key  secret.Key
		list []any
		ring secret.Ring
	}{k, []any{k, &k}, secret.NewRing(k)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		for _, text := range []string{fmt.Sprintf(verb, within), fmt.Sprintf(verb, &within), fmt.Sprintf(verb, within.ring)} {
			for _, known := range []string{"horse", fmt.Sprintf("%x", "horse"), fmt.Sprintf("%X", "horse"), "104 111 114 115 101", "0x68, 0x6f, 0x72, 0x73, 0x65"} {
				if strings.Contains(text, known) {
					t.Errorf("%s printed a key: %s", verb, text)
				}
			}
		}
	}
}

func TestShortMaterialIsRefused(t *testing.T) {
	if _, err := secret.NewKey(make([]byte, 31)); !errors.Is(err, secret.ErrShort) {
		t.Errorf("got %v, want ErrShort", err)
	}
	if _, err := secret.ParseRing("# a comment\n\ntoo short\n"); !errors.Is(err, secret.ErrShort) || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("got %v, want ErrShort at line 3", err)
	}
}

func TestDeriveSeparatesPurposeFromSubject(t *testing.T) {
	k := key(t, material)
	seen := map[string]string{}
	for _, p := range [][2]string{{"refresh", "a"}, {"refresh", "b"}, {"seen", "a"}, {"refresha", ""}, {"refresh/a", ""}, {"refresh", "/a"}} {
		d := string(k.Derive(p[0], p[1]).Bytes())
		if other, dup := seen[d]; dup {
			t.Errorf("%q and %s derive the same key", p, other)
		}
		seen[d] = fmt.Sprint(p)
	}
}

func TestRingSignsWithTheFirstKeyThatMay(t *testing.T) {
	older, newer := strings.Repeat("o", 40), strings.Repeat("n", 40)
	before, err := secret.ParseRing("accept " + newer + "\n" + older)
	if err != nil {
		t.Fatal(err)
	}
	after, err := secret.ParseRing(newer + "\r\n" + older + "\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, to secret.Ring }{{before, after}, {after, before}} {
		sealed := c.from.Seal([]byte("plain"), "test", "1")
		if got, err := c.to.Open(sealed, "test", "1"); err != nil || string(got) != "plain" {
			t.Errorf("got %q, %v", got, err)
		}
		if !c.from.Current(sealed) || c.to.Current(sealed) || c.to.Current(nil) {
			t.Error("a sealed value is current under the key that sealed it, and no other")
		}
	}
	if _, err := secret.ParseRing("accept " + newer); !errors.Is(err, secret.ErrEmpty) {
		t.Errorf("a list without a signing key: got %v, want ErrEmpty", err)
	}
}

func TestSealedValueOpensOnlyWhereItBelongs(t *testing.T) {
	r := secret.NewRing(key(t, material))
	sealed := r.Seal([]byte("plain"), "signing key", "kid-1")
	if _, err := r.Open(sealed, "signing key", "kid-2"); !errors.Is(err, secret.ErrSealed) {
		t.Errorf("moved to another row: got %v, want ErrSealed", err)
	}
	for i := range sealed {
		bent := append([]byte(nil), sealed...)
		bent[i] ^= 1
		want := secret.ErrSealed
		if i < 4 {
			want = secret.ErrUnknownKey
		}
		if _, err := r.Open(bent, "signing key", "kid-1"); !errors.Is(err, want) {
			t.Fatalf("byte %d changed: got %v, want %v", i, err, want)
		}
	}
	if _, err := r.Open(sealed[:15], "signing key", "kid-1"); !errors.Is(err, secret.ErrSealed) {
		t.Errorf("cut short: got %v, want ErrSealed", err)
	}
}
