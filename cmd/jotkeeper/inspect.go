package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/spf13/cobra"
)

func (p *program) tokenInspectCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "inspect [TOKEN|FILE|-]", Short: "show what a token says, verifying nothing", Args: takes(0, 1),
		Long: "Shows a token's header, its claims with times that people read, what each claim weighs. Nothing is\n" +
			"verified: anybody can write a token that says this.",
		Example: "  jotkeeper token inspect eyJ…\n  jotkeeper token inspect -o json - < token",
		RunE: func(_ *cobra.Command, args []string) error {
			raw, err := p.token(args)
			if err != nil {
				return err
			}
			seen, err := jwt.InspectUnverified(raw)
			if err != nil && strings.Count(raw, ".") == 4 { // RFC 7516 §9
				return fail(exitMalformed, "this is sealed: nobody looks into it without the key", "jotkeeper token open --key FILE")
			}
			if err != nil {
				return refused(err)
			}
			if p.json() {
				return p.inspectJSON(seen)
			}
			p.inspectText(seen, time.Now())
			return nil
		},
	}
	p.outputFlag(c)
	return exits(c, exitOK, exitOther, exitUsage, exitMalformed)
}

// refused is what is left to say of a token outside of verify: that it is none.
func refused(err error) error {
	f := fail(exitCodeOf(err), "this is not a token: "+detailOf(err), "the whole token, three parts with dots between them")
	f.Err = err
	return f
}

func (p *program) inspectJSON(seen *jwt.Inspection) error {
	size := map[string]int{}
	for _, claim := range seen.Size.Largest {
		size[claim.Name] = claim.Bytes
	}
	return p.writeJSON(struct {
		Verified bool            `json:"verified"`
		Header   json.RawMessage `json:"header"`
		Claims   json.RawMessage `json:"claims"`
		Bytes    int             `json:"bytes"`
		Sizes    map[string]int  `json:"claim_bytes"`
	}{false, json.RawMessage(seen.Header), json.RawMessage(seen.Claims), seen.Size.Token, size})
}

func (p *program) inspectText(seen *jwt.Inspection, now time.Time) {
	fmt.Fprintln(p.stdout, "NOTHING WAS VERIFIED: anybody can write a token that says this.")
	fmt.Fprintln(p.stdout, "\nheader")
	p.members([]byte(seen.Header), nil, now)
	fmt.Fprintln(p.stdout, "\nclaims")
	p.members([]byte(seen.Claims), seen.Size.Largest, now)
	fmt.Fprintf(p.stdout, "\nsize    %d bytes, %d of them claims\n", seen.Size.Token, seen.Size.Claims)
}

// members writes a JSON object a line per member, in the token's own order.
func (p *program) members(object []byte, sizes []jwt.ClaimSize, now time.Time) {
	var rows [][]string
	for _, m := range objectMembers(object) {
		row := []string{"  " + m.name, m.text + claimTime(m, now)}
		if i := slices.IndexFunc(sizes, func(s jwt.ClaimSize) bool { return s.Name == m.name }); i >= 0 {
			row = append(row, fmt.Sprintf("%d bytes", sizes[i].Bytes))
		}
		rows = append(rows, row)
	}
	p.table(rows...)
}

type member struct{ name, text string }

// objectMembers splits an object that InspectUnverified has let pass. Values
// stay JSON, so that no claim can write to the terminal in its own words.
func objectMembers(object []byte) []member {
	var list []member
	d := json.NewDecoder(bytes.NewReader(object))
	if _, err := d.Token(); err != nil {
		return nil
	}
	for d.More() {
		name, err := d.Token()
		var raw json.RawMessage
		if err != nil || d.Decode(&raw) != nil {
			return list
		}
		list = append(list, member{printable(fmt.Sprint(name)), printable(string(raw))})
	}
	return list
}

// printable writes control characters and direction marks as escapes.
func printable(s string) string {
	var b bytes.Buffer
	for _, r := range s {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// claimTime says a numeric date for people.
func claimTime(m member, now time.Time) string {
	if !slices.Contains([]string{"exp", "iat", "nbf", "auth_time", "sxp"}, m.name) {
		return ""
	}
	var seconds int64
	if json.Unmarshal([]byte(m.text), &seconds) != nil {
		return ""
	}
	return "  " + when(now, time.Unix(seconds, 0))
}
