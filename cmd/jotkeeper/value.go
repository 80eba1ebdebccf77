package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A value is one setting as text: what a flag, a variable or a file says is
// Set, and String says it again.
type value interface {
	Set(text string) error
	String() string
	Type() string // a word for help: text, duration, …
}

type textValue struct{ p *string }

func (v textValue) Set(s string) error { *v.p = s; return nil }
func (v textValue) String() string     { return *v.p }
func (v textValue) Type() string       { return "text" }

// pathValue is a file or folder; a leading ~/ is the home of home.
type pathValue struct {
	p    *string
	home string
}

func (v pathValue) Set(s string) error {
	if rest, ok := strings.CutPrefix(s, "~/"); ok && v.home != "" {
		s = v.home + "/" + rest
	}
	*v.p = s
	return nil
}
func (v pathValue) String() string { return *v.p }
func (v pathValue) Type() string   { return "path" }

// choiceValue is one of a few words.
type choiceValue struct {
	p     *string
	words []string
}

func (v choiceValue) Set(s string) error {
	if !slices.Contains(v.words, s) {
		return fmt.Errorf("is none of %s", strings.Join(v.words, ", "))
	}
	*v.p = s
	return nil
}
func (v choiceValue) String() string { return *v.p }
func (v choiceValue) Type() string   { return strings.Join(v.words, "|") }

// listValue holds words with commas between them.
type listValue struct{ p *[]string }

func (v listValue) Set(s string) error { *v.p = splitList(s); return nil }
func (v listValue) String() string     { return strings.Join(*v.p, ",") }
func (v listValue) Type() string       { return "list" }

func splitList(s string) []string {
	var words []string
	for word := range strings.SplitSeq(s, ",") {
		if word = strings.TrimSpace(word); word != "" {
			words = append(words, word)
		}
	}
	return words
}

// spanValue is a length of time: Go's, and days ("30d").
type spanValue struct {
	p        *time.Duration
	min, max time.Duration
}

func (v spanValue) Set(s string) error {
	d, err := parseSpan(s)
	switch {
	case err != nil:
		return err
	case d < v.min:
		return fmt.Errorf("is below %s, the least", formatSpan(v.min))
	case d > v.max:
		return fmt.Errorf("is above %s, the most", formatSpan(v.max))
	}
	*v.p = d
	return nil
}
func (v spanValue) String() string { return formatSpan(*v.p) }
func (v spanValue) Type() string   { return "duration" }

const day = 24 * time.Hour

func parseSpan(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return 0, fmt.Errorf("is not a length of time")
		}
		return time.Duration(n) * day, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("is not a length of time")
	}
	return d, nil
}

// formatSpan writes a length of time without trailing zeros: 30d, 15m, 1m30s.
func formatSpan(d time.Duration) string {
	if d >= day && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// countValue is a whole number, 0 or above.
type countValue struct{ p *int }

func (v countValue) Set(s string) error {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return fmt.Errorf("is not a whole number, 0 or above")
	}
	*v.p = int(n)
	return nil
}
func (v countValue) String() string { return strconv.Itoa(*v.p) }
func (v countValue) Type() string   { return "number" }

// networksValue holds the networks of proxies, as CIDR or single addresses.
type networksValue struct{ p *[]netip.Prefix }

func (v networksValue) Set(s string) error {
	var nets []netip.Prefix
	for _, word := range splitList(s) {
		n, err := parseNetwork(word)
		if err != nil {
			return err
		}
		nets = append(nets, n)
	}
	*v.p = nets
	return nil
}

func parseNetwork(word string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(word); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	n, err := netip.ParsePrefix(word)
	if err != nil {
		return n, fmt.Errorf("%q is not a network", word)
	}
	return n.Masked(), nil
}

func (v networksValue) String() string {
	words := make([]string, len(*v.p))
	for i, n := range *v.p {
		words[i] = n.String()
	}
	return strings.Join(words, ",")
}
func (v networksValue) Type() string { return "networks" }
