package account

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/bidirule"
	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/norm"
)

// caseMapped is UsernameCaseMapped of RFC 8265 §3.3 but for the Bidi Rule, which
// the library's own profile also applies to names without a single right-to-left
// letter, so that 2élise would be none.
var caseMapped = precis.NewIdentifier(precis.FoldWidth, precis.LowerCase(), precis.Norm(norm.NFC))

const (
	minIdentifier = 3   // code points
	maxIdentifier = 254 // bytes, of the canonical form: what a mail path can hold (RFC 5321 §4.5.3.1.3)
	maxTyped      = 1024
	maxLocal      = 64 // bytes (RFC 5321 §4.5.3.1.1)
)

// canonicalise returns the one form under which an identifier is kept, so that two
// spellings of a name are one account: white space around it cut off, then the
// profile UsernameCaseMapped of RFC 8265 §3.3 (full-width folded, lower case,
// NFC, letters and digits of any script, no spaces or controls). Characters that
// separate addresses in a list or a header (, ; < > " \) are refused.
//
// With email it must be one mail address: the domain in ASCII letters, digits
// and hyphens, with a dot, in lower case; the local part without quotes,
// case-mapped like a user name. Domains in other scripts are not accepted.
//
// Errors are for the field username: MISSING or FORMAT_INVALID.
func canonicalise(typed string, email bool) (string, *FieldErrors) {
	typed = strings.TrimSpace(typed)
	if typed == "" {
		return "", refuse("username", missing, "is empty")
	}
	if len(typed) > maxTyped || !utf8.ValidString(typed) {
		return "", refuse("username", formatInvalid, "is too long, or not UTF-8")
	}
	fold := foldName
	if email {
		fold = foldAddress
	}
	canonical, ok := fold(typed)
	if !ok {
		return "", refuse("username", formatInvalid, "has characters that a name cannot have, or is no mail address")
	}
	if len(canonical) > maxIdentifier || utf8.RuneCountInString(canonical) < minIdentifier {
		return "", refuse("username", formatInvalid, "must have 3 characters at least and 254 bytes at most")
	}
	return canonical, nil
}

// foldName maps until nothing changes any more: some characters need a second
// round (RFC 8264 §7), and what is canonical must be its own canonical form.
func foldName(s string) (string, bool) {
	for range 4 {
		mapped, err := caseMapped.String(s)
		if err != nil || !standsAlone(mapped) || strings.ContainsAny(mapped, `,;<>"\`) {
			return "", false
		}
		if mapped == s {
			return s, true
		}
		s = mapped
	}
	return "", false
}

// standsAlone refuses what reads like something else on a screen: a name that
// begins with a mark for the letter before it, and one that mixes directions. The
// Bidi Rule is due for names with a right-to-left character (RFC 8265 §3.3.1).
func standsAlone(s string) bool {
	if first, _ := utf8.DecodeRuneInString(s); unicode.IsMark(first) {
		return false
	}
	rightToLeft := strings.ContainsFunc(s, func(r rune) bool {
		properties, _ := bidi.LookupRune(r)
		class := properties.Class()
		return class == bidi.R || class == bidi.AL || class == bidi.AN
	})
	return !rightToLeft || bidirule.ValidString(s)
}

func foldAddress(s string) (string, bool) {
	local, domain, _ := strings.Cut(s, "@")
	domain = strings.ToLower(domain)
	local, ok := foldName(local)
	if !ok || !dotAtom(local) || !hostname(domain) {
		return "", false
	}
	return local + "@" + domain, true
}

// dotAtom tells whether s is a local part that needs no quotes (RFC 5322 §3.2.3,
// with letters of other scripts as in RFC 6531).
func dotAtom(s string) bool {
	if len(s) > maxLocal || strings.HasPrefix(s, ".") || strings.HasSuffix(s, ".") || strings.Contains(s, "..") {
		return false
	}
	return s != "" && !strings.ContainsAny(s, `()[]:;,<>@"\`)
}

// hostname tells whether s is a name of two labels or more (RFC 1123 §2.1) that
// is not an address of numbers.
func hostname(s string) bool {
	labels := strings.Split(s, ".")
	last := labels[len(labels)-1]
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' || strings.Trim(l, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return len(labels) > 1 && strings.Trim(last, "0123456789") != ""
}

// Subject returns what the sub claim of the account's tokens is: its ID in decimal.
func (r Row) Subject() string { return strconv.FormatInt(r.ID, 10) }

// ParseSubject returns the ID in a sub claim. Whatever is not the one spelling
// of a positive number is ErrNotFound.
func ParseSubject(sub string) (int64, error) {
	id, err := strconv.ParseInt(sub, 10, 64)
	if err != nil || id <= 0 || strconv.FormatInt(id, 10) != sub {
		return 0, ErrNotFound
	}
	return id, nil
}
