package account

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	// DefaultMinLength is the least number of code points of a password.
	DefaultMinLength = 8
	maxLength        = 256               // code points
	maxBytes         = maxLength * 4 * 4 // before NFC, which may join four code points into one
)

// The commonest passwords, one a line, in lower case and without what people
// append to them.
//
//go:embed commonest.txt
var commonestFile string

var commonest = sync.OnceValue(func() map[string]bool {
	set := map[string]bool{}
	for line := range strings.Lines(commonestFile) {
		set[strings.TrimSpace(line)] = true
	}
	return set
})

// normal returns the form of a password that is hashed (NFC, RFC 8265 §4.2), so
// that two keyboards that compose é differently type one password. It is false
// for what can be nobody's password: too long, or not UTF-8.
func normal(password string) (string, bool) {
	if len(password) > maxBytes || !utf8.ValidString(password) {
		return "", false
	}
	password = norm.NFC.String(password)
	return password, utf8.RuneCountInString(password) <= maxLength
}

// checkPassword returns why a password may not be chosen, nil if it may. It is
// returned in the form that is hashed. There are no rules of composition: any
// character counts, spaces and NUL included.
func (a *Accounts) checkPassword(password, identifier string) (string, *FieldErrors) {
	if password == "" {
		return "", refuse("password", missing, "is empty")
	}
	weak := func(detail string) (string, *FieldErrors) { return "", refuse("password", insecure, detail) }
	password, ok := normal(password)
	length := utf8.RuneCountInString(password)
	switch {
	case !ok:
		return weak(fmt.Sprintf("is longer than %d characters, or not UTF-8", maxLength))
	case length < a.cfg.MinLength:
		return weak(fmt.Sprintf("is shorter than %d characters", a.cfg.MinLength))
	case monotonous(password):
		return weak("is one character repeated, or neighbours in a row")
	case common(password):
		return weak("is one of the commonest passwords")
	case utf8.RuneCountInString(without(password, identifier)) < a.cfg.MinLength:
		return weak(fmt.Sprintf("has fewer than %d characters beside the identifier", a.cfg.MinLength))
	}
	return password, nil
}

// monotonous tells whether each character stands equally far from the one
// before: aaaaaaaa, 12345678, hgfedcba.
func monotonous(password string) bool {
	runes := []rune(strings.ToLower(password))
	step := runes[1] - runes[0]
	for i := 2; i < len(runes); i++ {
		if runes[i]-runes[i-1] != step {
			return false
		}
	}
	return step >= -1 && step <= 1
}

// common compares the whole password, then without what people put around a
// word to please a rule: Dragon2024! is dragon.
func common(password string) bool {
	whole := strings.ToLower(password)
	word := strings.TrimFunc(whole, func(r rune) bool { return !unicode.IsLetter(r) })
	return commonest()[whole] || commonest()[word]
}

// without returns a password with the words taken out that everybody knows
// about its owner: the identifier, both halves of a mail address, the product.
func without(password, identifier string) string {
	rest := strings.ToLower(password)
	local, domain, _ := strings.Cut(identifier, "@")
	host, _, _ := strings.Cut(domain, ".")
	words := []string{identifier, domain, local, host, "jotkeeper"}
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) })
	for _, w := range words {
		if utf8.RuneCountInString(w) >= minIdentifier {
			rest = strings.ReplaceAll(rest, w, "")
		}
	}
	return rest
}
