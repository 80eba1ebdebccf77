package account_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/jotkeeper/jotkeeper/account"
)

func TestA144WhatAPasswordMayBe(t *testing.T) {
	o := newTown(t, func(c *account.Config) { c.Email = true })
	const ada = "ada.love@lovelace.example"
	for _, good := range []string{
		"vukr2mfz", "only lower case", "MOSSKETTLE", "73529104", "🐢🐢🌵🌵🪁🪁🧭🧭", "пламя и перо", "   spaces   ", "tab\tand\x00nul", strings.Repeat("moss kettle ", 21),
		strings.Repeat("é", 128) + strings.Repeat("ö", 128), "ada.love@lovelace.example and the loom", "jotkeeper is what we use here",
	} {
		if _, err := o.Prepare(t.Context(), noon, ada, good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for bad, says := range map[string]string{
		"vukr2mf": "shorter", "🐢🐢🌵🌵🪁🪁🧭": "shorter", "e\u0301e\u0301e\u0301e\u0301x": "shorter", // five characters, nine code points
		strings.Repeat("ab", 128) + "c": "longer", strings.Repeat("a", 1<<20): "longer", "moss\xffkettle-orbit": "UTF-8",
		"aaaaaaaa": "repeated", "        ": "repeated", "23456789": "row", "ponmlkji": "row",
		"password": "commonest", "PassWord1": "commonest", "sunshine2024!": "commonest", "  football  ": "commonest", "1234567890": "commonest", "1q2w3e4r": "commonest",
		"correct-horse-battery-staple": "commonest",
		"ada.love@lovelace.example":    "identifier", "Ada.Love@Lovelace.Example1": "identifier", "xada.lovex": "identifier", "lovelace!42": "identifier", "Jotkeeper-1": "identifier",
	} {
		_, err := o.Prepare(t.Context(), noon, ada, bad)
		if wantFields(t, err, "password INSECURE"); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.30q: %v; want it to say %q", bad, err, says)
		}
	}
}

func TestLongerPasswordsCanBeDemanded(t *testing.T) {
	o := newTown(t, func(c *account.Config) { c.MinLength = 15 })
	_, err := o.Prepare(t.Context(), noon, "ada", "vukr2mfz-vukr2m") // 15
	if err != nil {
		t.Error(err)
	}
	_, err = o.Prepare(t.Context(), noon, "ada", "vukr2mfz-vukr2") // 14
	wantFields(t, err, "password INSECURE")
}

// Two passwords are one when they are typed the same, and only then.
func TestA143WhichPasswordsAreTheSame(t *testing.T) {
	o := newTown(t)
	long := strings.Repeat("moss-kettle-", 6) // 72 bytes: what bcrypt looks at
	for name, c := range map[string]struct {
		chosen, typed string
		same          bool
	}{
		"twins after 72 bytes":     {long + "a", long + "b", false},
		"composed and decomposed":  {"caf\u00e9 au lait", "cafe\u0301 au lait", true},
		"NUL is a character":       {"moss-kettle\x00a", "moss-kettle\x00b", false},
		"NUL ends nothing":         {"moss-kettle\x00a", "moss-kettle", false},
		"case counts":              {"moss-kettle", "Moss-kettle", false},
		"spaces count":             {"moss-kettle ", "moss-kettle", false},
		"256 characters":           {strings.Repeat("ab", 127) + "cd", strings.Repeat("ab", 127) + "ce", false},
		"full width is not folded": {"moss-kettle", "ｍoss-kettle", false},
	} {
		id := "user-" + strings.ReplaceAll(name, " ", "-")
		o.signUp(id, c.chosen)
		if _, err := o.logIn(id, c.chosen); err != nil {
			t.Errorf("%s: its own password: %v", name, err)
		}
		if _, err := o.logIn(id, c.typed); (err == nil) != c.same {
			t.Errorf("%s: the other one: %v", name, err)
		}
	}
}

func TestA143HugePasswordsCostOneHash(t *testing.T) {
	o := newTown(t)
	o.signUp("ada", phrase)
	for _, huge := range []string{strings.Repeat("a", 1<<20), strings.Repeat("a", 4096), strings.Repeat("\u0301", 4096), "\xff\xfe", ""} {
		before := o.Stats().Hashes
		if _, err := o.logIn("ada", huge); !errors.Is(err, account.ErrFailed) {
			t.Errorf("%d bytes: %v", len(huge), err)
		}
		if n := o.Stats().Hashes - before; n != 1 {
			t.Errorf("%d bytes cost %d hashes", len(huge), n)
		}
	}
}

func TestCommonestCanBeMet(t *testing.T) {
	words := account.Commonest()
	if len(words) < 700 {
		t.Fatalf("%d words", len(words))
	}
	for _, w := range words {
		if w == "" || w != strings.ToLower(w) || strings.TrimSpace(w) != w || !utf8.ValidString(w) {
			t.Errorf("%q can match no password", w)
		}
	}
}

func TestHashesAreWrittenAsPHC(t *testing.T) {
	o := newTown(t, func(c *account.Config) { c.Hash = account.DefaultParams })
	a, b := o.signUp("ada", phrase), o.signUp("grace", phrase)
	const head = "$argon2id$v=19$m=19456,t=2,p=1$"
	if !strings.HasPrefix(a.Password, head) || len(a.Password) != len(head)+22+1+43 {
		t.Errorf("got %s", a.Password)
	}
	if a.Password == b.Password {
		t.Error("two people with one password have one hash: no salt")
	}
}

func TestUnreadableHashesOpenNothing(t *testing.T) {
	o := newTown(t)
	good := o.signUp("ada", phrase).Password
	parts := strings.Split(good, "$")
	with := func(i int, s string) string {
		p := append([]string(nil), parts...)
		p[i] = s
		return strings.Join(p, "$")
	}
	for name, hash := range map[string]string{
		"plain text": phrase, "argon2i": with(1, "argon2i"), "argon2d": with(1, "argon2d"), "older version": with(2, "v=16"),
		"too much memory": with(3, "m=262145,t=1,p=1"), "endless": with(3, "m=8,t=4294967295,p=1"), "no memory": with(3, "m=0,t=1,p=1"), "no passes": with(3, "m=8,t=0,p=1"),
		"threads": with(3, "m=2048,t=1,p=255"), "more": good + "$", "spaces": " " + good, "leading zero": with(3, "m=08,t=1,p=1"), "other order": with(3, "t=1,m=8,p=1"),
		"no salt": with(4, ""), "no key": with(5, ""), "short key": with(5, "AAAA"), "padded": with(4, parts[4]+"=="), "bcrypt": "$2a$10$abcdefghijklmnopqrstuuJ3pTLu5vR6oJkTYm4Xw6q4n3dN4nC1e",
	} {
		id := o.row(1).ID
		o.edit(id, func(r *account.Row) { r.Password = hash })
		_, err := o.logIn("ada", phrase)
		if !errors.Is(err, account.ErrHash) || strings.Contains(err.Error(), hash) {
			t.Errorf("%s: %v; want ErrHash without the hash", name, err)
		}
	}
}
