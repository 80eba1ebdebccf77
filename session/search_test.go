package session

import (
	"fmt"
	"strings"
)

// A search visits every state that can be reached, nearest first, so the first
// bad state it meets has the shortest story.
type search[S comparable] struct {
	// moves calls visit with each state that may follow. story tells what
	// happened; it is called only when the story is printed. A bad move ends it.
	moves func(s S, visit func(to S, bad bool, story func() string))
	limit int // states; 0: until there are no more
}

// A finding is what a search came back with.
type finding struct {
	states    int
	exhausted bool     // there is no state left that was not seen
	trace     []string // the shortest way to a bad state, nil if none was met
}

func (f finding) String() string {
	how := "all states seen"
	if !f.exhausted {
		how = "search cut"
	}
	if f.trace == nil {
		return fmt.Sprintf("no counterexample in %d states (%s)", f.states, how)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "counterexample of %d events, found after %d states:\n", len(f.trace), f.states)
	for i, line := range f.trace {
		fmt.Fprintf(&b, "  %2d  %s\n", i+1, line)
	}
	return b.String()
}

func (s search[S]) run(starts ...S) finding {
	seen := map[S]int32{}
	var states []S
	var parents []int32
	add := func(state S, parent int32) {
		if _, known := seen[state]; !known {
			seen[state] = int32(len(states))
			states, parents = append(states, state), append(parents, parent)
		}
	}
	for _, start := range starts {
		add(start, -1)
	}
	for i := int32(0); int(i) < len(states); i++ {
		if s.limit > 0 && int(i) >= s.limit {
			return finding{states: int(i)}
		}
		var last func() string
		s.moves(states[i], func(to S, bad bool, story func() string) {
			switch {
			case last != nil:
			case bad:
				last = story
			default:
				add(to, i)
			}
		})
		if last != nil {
			return finding{states: int(i) + 1, trace: append(s.way(states, parents, i), last())}
		}
	}
	return finding{states: len(states), exhausted: true}
}

// way tells again how state i was reached.
func (s search[S]) way(states []S, parents []int32, i int32) []string {
	if parents[i] < 0 {
		return nil
	}
	line := ""
	s.moves(states[parents[i]], func(to S, bad bool, story func() string) {
		if line == "" && !bad && to == states[i] {
			line = story()
		}
	})
	return append(s.way(states, parents, parents[i]), line)
}
