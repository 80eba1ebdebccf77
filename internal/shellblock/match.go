package shellblock

import "strings"

// anything stands for what varies.
const anything = "…"

// compare aligns the wanted lines with the lines that came. It returns "" when
// they match, and otherwise both in one text: "-" is wanted but missing, "+"
// came but is not wanted.
func compare(want, got []string) string {
	a := align(want, got)
	if a.cost[0][0] == 0 {
		return ""
	}
	return a.diff()
}

// tidy drops white space at the end of lines and empty lines at the end:
// nobody sees them in a document.
func tidy(lines []string) []string {
	var kept []string
	for _, line := range lines {
		kept = append(kept, strings.TrimRight(line, " \t\r"))
	}
	for len(kept) > 0 && kept[len(kept)-1] == "" {
		kept = kept[:len(kept)-1]
	}
	return kept
}

// matchLine says whether the line is the pattern, in which each … stands for
// any run of characters.
func matchLine(pattern, line string) bool {
	pieces := strings.Split(pattern, anything)
	if len(pieces) == 1 {
		return pattern == line
	}
	line, ok := strings.CutPrefix(line, pieces[0])
	if !ok {
		return false
	}
	last := len(pieces) - 1
	for _, piece := range pieces[1:last] {
		_, line, ok = strings.Cut(line, piece)
		if !ok {
			return false
		}
	}
	return strings.HasSuffix(line, pieces[last])
}

// An alignment knows for every pair of suffixes the least number of lines
// that must be called missing or unwanted.
type alignment struct {
	want, got []string
	cost      [][]int
}

func align(want, got []string) alignment {
	a := alignment{want: tidy(want), got: tidy(got)}
	a.cost = make([][]int, len(a.want)+1)
	for i := range a.cost {
		a.cost[i] = make([]int, len(a.got)+1)
	}
	for i := len(a.want); i >= 0; i-- {
		for j := len(a.got); j >= 0; j-- {
			a.cost[i][j], _ = a.step(i, j)
		}
	}
	return a
}

// A move is how one line is accounted for.
type move int

const (
	end     move = iota
	same         // want[i] matches got[j]
	swallow      // the line … at want[i] takes got[j]
	leave        // the line … at want[i] takes nothing more
	missing
	extra
)

// step returns the cheapest way from want[i:] and got[j:].
func (a alignment) step(i, j int) (int, move) {
	wanted, came := i < len(a.want), j < len(a.got)
	best, by := len(a.want)+len(a.got)+1, end
	try := func(cost int, m move) {
		if cost < best {
			best, by = cost, m
		}
	}
	if !wanted && !came {
		return 0, end
	}
	if wanted && a.want[i] == anything {
		try(a.cost[i+1][j], leave)
		if came {
			try(a.cost[i][j+1], swallow)
		}
	} else if wanted && came && matchLine(a.want[i], a.got[j]) {
		try(a.cost[i+1][j+1], same)
	}
	if wanted {
		try(1+a.cost[i+1][j], missing)
	}
	if came {
		try(1+a.cost[i][j+1], extra)
	}
	return best, by
}

func (a alignment) diff() string {
	var b strings.Builder
	for i, j := 0, 0; ; {
		_, m := a.step(i, j)
		switch m {
		case end:
			return b.String()
		case same, swallow, extra:
			sign := map[move]string{same: "  ", swallow: "… ", extra: "+ "}[m]
			b.WriteString(sign + a.got[j] + "\n")
			j++
		case missing:
			b.WriteString("- " + a.want[i] + "\n")
		}
		if m == same || m == leave || m == missing {
			i++
		}
	}
}
