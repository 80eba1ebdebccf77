package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"
)

// writeJSON writes one value as indented JSON on stdout.
func (p *program) writeJSON(v any) error {
	e := json.NewEncoder(p.stdout)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// table writes rows in columns on stdout.
func (p *program) table(rows ...[]string) {
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				fmt.Fprint(w, "\t")
			}
			fmt.Fprint(w, cell)
		}
		fmt.Fprintln(w)
	}
	w.Flush()
}

// say writes a line of talk on stderr.
func (p *program) say(format string, args ...any) {
	fmt.Fprintf(p.stderr, "jotkeeper: "+format+"\n", args...)
}

// away writes how far t is from now: "in 14 min 59 s", "3 h ago".
func away(now, t time.Time) string {
	switch d := t.Sub(now).Truncate(time.Second); {
	case d < 0:
		return human(-d) + " ago"
	case d > 0:
		return "in " + human(d)
	}
	return "now"
}

// human writes a length of time in two units: 14 min 59 s.
func human(d time.Duration) string {
	units := []struct {
		name string
		size time.Duration
	}{{"d", day}, {"h", time.Hour}, {"min", time.Minute}, {"s", time.Second}}
	for i, u := range units[:len(units)-1] {
		if d >= u.size {
			next := units[i+1]
			return fmt.Sprintf("%d %s %d %s", d/u.size, u.name, d%u.size/next.size, next.name)
		}
	}
	return fmt.Sprintf("%d s", d/time.Second)
}

func when(now, t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format("2006-01-02 15:04:05Z") + " (" + away(now, t) + ")"
}
