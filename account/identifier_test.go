package account_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/jotkeeper/jotkeeper/account"
)

// messages returns an error's fields as "field MESSAGE".
func messages(err error) []string {
	var all []string
	for _, f := range account.Fields(err) {
		all = append(all, f.Field+" "+f.Message)
	}
	return all
}

func wantFields(t *testing.T, err error, want ...string) {
	t.Helper()
	if got := messages(err); !slices.Equal(got, want) {
		t.Errorf("got %v (%v), want %v", got, err, want)
	}
}

func TestOnePersonHasOneName(t *testing.T) {
	for canonical, spellings := range map[string][]string{
		"ada":              {"ada", "Ada", "ADA", "  ada\t", "ada\r\n", "ａｄａ", "ＡＤＡ"},
		"élise":            {"élise", "ÉLISE", "e\u0301lise", "E\u0301LISE"},
		"σίσυφος":          {"Σίσυφος"},
		"ada@example.com":  {"Ada@Example.com"},
		"ünal_42-x.y+z":    {"Ünal_42-X.Y+Z"},
		"李小龙x":             {"李小龙X"},
		"2élise":           {"2Élise"},
		"שלום":             {"שלום"},
		"1234567890123456": {"１２３４５６７８９０123456"},
	} {
		for _, typed := range spellings {
			if got, err := account.Canonical(typed, false); err != nil || got != canonical {
				t.Errorf("%q becomes %q, %v; want %q", typed, got, err, canonical)
			}
		}
	}
}

func TestNamesThatAreNone(t *testing.T) {
	for _, empty := range []string{"", " ", "\t\r\n"} {
		_, err := account.Canonical(empty, false)
		wantFields(t, err, "username MISSING")
	}
	for _, bad := range []string{
		"ab", "é", "adaשלום", "1שלום", "ad a", "ada\x00", "a\x00da", "ada\r\nBcc: eve", "ada,eve", "ada;eve", "<ada>", `"ada"`, `ada\eve`, "ada\u202eeve", "ada\u200beve",
		"ada\u00adlove", "ada\xff", "ada\ufffd\u0007", strings.Repeat("a", 255), strings.Repeat("é", 128), strings.Repeat("a", 1<<20), "♥♥♥♥", "ada😀", "\u0301ada\u2028",
	} {
		got, err := account.Canonical(bad, false)
		if wantFields(t, err, "username FORMAT_INVALID"); got != "" {
			t.Errorf("%.20q becomes %q beside its error", bad, got)
		}
	}
	if _, err := account.Canonical(strings.Repeat("a", 254), false); err != nil {
		t.Errorf("254 bytes: %v", err)
	}
}

func TestMailAddresses(t *testing.T) {
	for typed, want := range map[string]string{
		"Ada@Example.COM": "ada@example.com", " ada.lovelace+list@mail.example.com ": "ada.lovelace+list@mail.example.com",
		"o'brien@xn--bcher-kva.example": "o'brien@xn--bcher-kva.example", "JOSÉ@example.com": "josé@example.com", "jose\u0301@example.com": "josé@example.com",
	} {
		if got, err := account.Canonical(typed, true); err != nil || got != want {
			t.Errorf("%q becomes %q, %v; want %q", typed, got, err, want)
		}
	}
	for _, bad := range []string{
		"ada", "@example.com", "ada@", "ada@@example.com", "a@b@c", "ada@example.com,eve@example.com", "ada@example.com eve@example.com",
		"ada@example.com\nBcc: eve@example.com", "ada@example.com\r\n\r\nhello", "Ada <ada@example.com>", `"ada"@example.com`, `"a b"@example.com`,
		"ada(comment)@example.com", "ada@[127.0.0.1]", "ada@127.0.0.1", "ada@localhost", "ada@.example.com", "ada@example..com", "ada@example.com.",
		"ada@-example.com", "ada@example-.com", "ada@exam_ple.com", "ada@bücher.example", "ada@example.com\x00", ".ada@example.com", "ada.@example.com",
		"a..da@example.com", strings.Repeat("a", 65) + "@example.com", "ada@" + strings.Repeat("a", 64) + ".com",
		"ada@" + strings.Repeat("abcdefgh.", 28) + "com", "ada@example.com%00", "ada@example.com/x", "ada:b@example.com",
	} {
		if got, err := account.Canonical(bad, true); err == nil {
			t.Errorf("%.40q is taken for the address %q", bad, got)
		} else {
			wantFields(t, err, "username FORMAT_INVALID")
		}
	}
}

func TestCanonicalFormIsItsOwn(t *testing.T) {
	for _, email := range []bool{false, true} {
		rapid.Check(t, func(t *rapid.T) {
			typed := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-zA-Zäßİſ.@,Kﬁ１]{1,12}(@[A-Za-z.-]{3,9})?`)).Draw(t, "typed")
			once, err := account.Canonical(typed, email)
			if err != nil {
				return
			}
			if twice, err := account.Canonical(once, email); err != nil || twice != once {
				t.Fatalf("%q becomes %q, which becomes %q, %v", typed, once, twice, err)
			}
			if strings.ContainsAny(once, " \t\r\n\x00,;<>\"\\") || len(once) > 254 || (email && strings.Count(once, "@") != 1) {
				t.Fatalf("%q becomes %q", typed, once)
			}
		})
	}
}

func TestSubjectsHaveOneSpelling(t *testing.T) {
	for _, id := range []int64{1, 42, 1<<63 - 1} {
		if got, err := account.ParseSubject(account.Row{ID: id}.Subject()); err != nil || got != id {
			t.Errorf("%d came back as %d, %v", id, got, err)
		}
	}
	for _, bad := range []string{"", "0", "-1", "+1", "01", "1 ", "1.0", "0x1", "9223372036854775808", "ada", "١"} {
		if id, err := account.ParseSubject(bad); !errors.Is(err, account.ErrNotFound) {
			t.Errorf("%q is account %d, %v", bad, id, err)
		}
	}
}

func TestSignUpKeepsWhatWasTyped(t *testing.T) {
	o := newTown(t)
	r := o.signUp("  Ada ", phrase)
	if r.ID == 0 || r.Revision != 1 || r.Identifier != "ada" || r.Display != "Ada" || r.Credential != 1 || r.Rights != 1 ||
		!r.CreatedAt.Equal(noon) || !r.PasswordChangedAt.Equal(noon) || r.Locked {
		t.Errorf("got %+v", r)
	}
	if strings.Contains(fmt.Sprintf("%+v", r), phrase) {
		t.Error("the row shows the password")
	}
	if free, err := o.Available(t.Context(), "ADA"); err != nil || free {
		t.Errorf("ADA is free: %v, %v", free, err)
	}
	if free, err := o.Available(t.Context(), "grace"); err != nil || !free {
		t.Errorf("grace is free: %v, %v", free, err)
	}
	_, err := o.Available(t.Context(), "a,b")
	wantFields(t, err, "username FORMAT_INVALID")
	twin, err := o.Prepare(t.Context(), noon, "ａda", phrase)
	if err != nil {
		t.Fatal(err)
	}
	_, err = o.Insert(t.Context(), twin)
	wantFields(t, err, "username TAKEN")
	if found, err := o.FindIdentifier(t.Context(), "aDa"); err != nil || found.ID != r.ID {
		t.Errorf("got %+v, %v", found, err)
	}
	if _, err := o.FindIdentifier(t.Context(), "a,b"); !errors.Is(err, account.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	o.signUp("grace", phrase)
	if all, err := o.List(t.Context(), r.ID, 10); err != nil || len(all) != 1 || all[0].Identifier != "grace" {
		t.Errorf("after Ada come %v, %v", all, err)
	}
}

func TestFormErrorsComeAllAtOnce(t *testing.T) {
	o := newTown(t)
	for _, c := range []struct {
		typed, password string
		want            []string
	}{
		{"", "", []string{"username MISSING", "password MISSING"}},
		{"a,b", "brief", []string{"username FORMAT_INVALID", "password INSECURE"}},
		{"ada", "", []string{"password MISSING"}},
		{"", phrase, []string{"username MISSING"}},
	} {
		_, err := o.Prepare(t.Context(), noon, c.typed, c.password)
		wantFields(t, err, c.want...)
		if c.password != "" && strings.Contains(err.Error(), c.password) {
			t.Errorf("the error shows the password: %v", err)
		}
	}
	if n := o.Stats().Hashes; n != 0 {
		t.Errorf("a bad form costs %d hashes", n)
	}
}

func TestErrorsHaveFields(t *testing.T) {
	for err, want := range map[error]string{
		account.ErrFailed: "credentials FAILED", account.ErrExpired: "credentials EXPIRED", account.ErrLocked: "account LOCKED",
		account.ErrNotFound: "account NOT_FOUND", account.ErrTaken: "username TAKEN",
	} {
		wantFields(t, fmt.Errorf("store: %w", err), want)
	}
	for _, other := range []error{nil, account.ErrBusy, account.ErrConflict, account.ErrHash, errors.New("disk on fire")} {
		wantFields(t, other)
	}
}
