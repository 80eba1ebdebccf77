package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jotkeeper/jotkeeper/revocation"
)

var revocationPromises = []promise{
	{"revocation/head", "Head returns the cursor of the last rule, or of the epoch's start.", func(c *check) {
		start := c.head()
		c.that(start.Epoch > 0 && start.Seq == 0, "an empty log has the head %v", start)
		last := c.append(jti("a"), jti("b"))
		c.equal(c.head(), last, "the head")
	}},
	{"revocation/append", "Append takes sequence numbers, dense within the epoch, and returns the cursor of the last rule appended.", func(c *check) {
		start := c.head()
		c.equal(c.append(jti("a"), jti("b"), jti("c")), place(start, 3), "the cursor after three")
		c.equal(c.append(jti("d")), place(start, 4), "the cursor after one more")
		c.equal(c.append(), place(start, 4), "the cursor after none")
	}},
	{"revocation/read", "Read returns at most limit entries after a cursor, in order.", func(c *check) {
		start := c.head()
		full := revocation.Rule{Scope: revocation.ScopeToken, ID: "a", From: at(time.Minute), Until: at(time.Hour), Action: revocation.Rotate, Reason: "rights"}
		c.append(full, jti("b"))
		c.append(jti("c"))
		c.equal(c.read(start, 2), []revocation.Entry{
			{Cursor: place(start, 1), At: at(0), Rule: full}, {Cursor: place(start, 2), At: at(0), Rule: jti("b")},
		}, "the first page")
		c.equal(c.read(place(start, 2), 2), []revocation.Entry{{Cursor: place(start, 3), At: at(0), Rule: jti("c")}}, "the second page")
		c.that(len(c.read(c.head(), 2)) == 0, "there is something after the head")
		c.that(len(c.read(start, 0)) == 0, "a limit of 0 gives something")
	}},
	{"revocation/zero", "The zero Cursor is good in every epoch: reading after it gives all that is kept.", func(c *check) {
		c.that(len(c.read(revocation.Cursor{}, 9)) == 0, "an empty log gives entries")
		start := c.head()
		c.append(jti("a"), jti("b"))
		c.equal(c.read(revocation.Cursor{}, 9), c.read(start, 9), "what stands after the zero Cursor")
		c.equal(len(c.read(start, 9)), 2, "the number of entries")
	}},
	{"revocation/before", "Before is filled by the log for sub, tid, iss: the rule's own cursor.", func(c *check) {
		scopes := []revocation.Scope{revocation.ScopeToken, revocation.ScopeSession, revocation.ScopeSubject, revocation.ScopeTenant, revocation.ScopeKey, revocation.ScopeIssuer}
		for _, s := range scopes {
			r := jti("x")
			r.Scope, r.Before = s, revocation.Cursor{Epoch: 99, Seq: 99}
			own := c.append(r)
			want := revocation.Cursor{}
			if s.Relative() {
				want = own
			}
			c.equal(c.read(revocation.Cursor{Epoch: own.Epoch, Seq: own.Seq - 1}, 1)[0].Rule.Before, want, "Before of a "+string(s)+" rule")
		}
	}},
	{"revocation/snapshot", "A cursor of another epoch, or ahead of the head, is ErrSnapshotRequired.", func(c *check) {
		head := c.append(jti("a"), jti("b"))
		for _, wrong := range []revocation.Cursor{
			place(head, 1), {Epoch: head.Epoch, Seq: ^uint64(0)}, {Epoch: head.Epoch, Seq: 1 << 63},
			{Epoch: head.Epoch + 1, Seq: 1}, {Epoch: head.Epoch + 1}, {Epoch: head.Epoch - 1, Seq: 1}, {Epoch: 1 << 63, Seq: 1},
		} {
			_, err := c.set.Revocations.Read(c.ctx, wrong, 9)
			c.wants(err, revocation.ErrSnapshotRequired, "reading after "+wrong.String()+", the head being "+head.String())
		}
	}},
	{"revocation/commit-order", "Sequence numbers are taken in commit order: who has read number n never misses a smaller one.", commitOrder},
	{"revocation/refused", "A rule that names nothing is ErrBadRule, and nothing is appended.", func(c *check) {
		start := c.head()
		for _, bad := range []revocation.Rule{
			{Scope: revocation.ScopeToken, Action: revocation.Revoke}, {Scope: "all", ID: "a", Action: revocation.Revoke},
			{Scope: revocation.ScopeToken, ID: "a"}, {Scope: revocation.ScopeToken, ID: "a", Action: 9},
		} {
			_, err := c.set.Revocations.Append(c.ctx, at(0), jti("good"), bad)
			c.wants(err, revocation.ErrBadRule, fmt.Sprintf("appending %+v", bad))
		}
		c.equal(c.head(), start, "the head")
	}},
	{"revocation/wait", "Wait returns when there may be entries after a cursor, or ctx ends.", func(c *check) {
		start := c.head()
		woken := make(chan error, 8)
		for range cap(woken) {
			go func() { woken <- c.set.Revocations.Wait(c.ctx, start) }()
		}
		head := c.append(jti("a"))
		for range cap(woken) {
			c.must(<-woken, "a Wait that began before or while a rule was appended")
		}
		c.must(c.set.Revocations.Wait(c.ctx, start), "a Wait after a cursor with a rule behind it")
		c.must(c.set.Revocations.Wait(c.ctx, place(head, 5)), "a Wait after a cursor ahead of the head, which Read has to refuse")
		ctx, stop := context.WithCancel(c.ctx)
		go func() { woken <- c.set.Revocations.Wait(ctx, head) }()
		stop()
		c.wants(<-woken, context.Canceled, "a Wait whose context ends")
	}},
	{"revocation/state", "State returns the strongest live action per ID of a scope.", func(c *check) {
		rule := func(id string, a revocation.Action, from, until time.Time) revocation.Rule {
			return revocation.Rule{Scope: revocation.ScopeSubject, ID: id, Action: a, From: from, Until: until}
		}
		never := time.Time{}
		other := rule("rotated", revocation.Revoke, never, never)
		other.Scope = revocation.ScopeTenant
		c.append(
			rule("both", revocation.Revoke, never, at(time.Hour)), rule("both", revocation.Rotate, never, at(2*time.Hour)),
			rule("rotated", revocation.Rotate, never, never), other,
			rule("over", revocation.Revoke, never, at(-time.Microsecond)), rule("last moment", revocation.Revoke, never, at(0)),
			rule("future", revocation.Revoke, at(time.Microsecond), at(time.Hour)), rule("from now", revocation.Revoke, at(0), at(time.Hour)),
		)
		got, err := c.set.Revocations.State(c.ctx, at(0), revocation.ScopeSubject, "both", "rotated", "over", "last moment", "future", "from now", "unknown")
		c.must(err, "asking")
		c.equal(got, map[string]revocation.Action{
			"both": revocation.Revoke, "rotated": revocation.Rotate, "last moment": revocation.Revoke, "from now": revocation.Revoke,
		}, "the state")
		got, err = c.set.Revocations.State(c.ctx, at(0), revocation.ScopeSubject)
		c.must(err, "asking for nothing")
		c.that(got != nil && len(got) == 0, "the state of nothing is %v", got)
	}},
	{"revocation/compact", "Compact forgets rules whose Until is before now. It returns how many. Every other rule stays readable, and the head stays.", func(c *check) {
		until := func(id string, t time.Time) revocation.Rule { r := jti(id); r.Until = t; return r }
		c.append(until("never", time.Time{}), until("old", at(0)), until("now", at(time.Second)), until("old too", at(0)))
		head := c.append(until("old and last", at(0)))
		n, err := c.set.Revocations.Compact(c.ctx, at(time.Second))
		c.must(err, "compacting")
		c.equal(n, 3, "the number of rules forgotten")
		var left []string
		for _, e := range c.read(revocation.Cursor{}, 9) {
			left = append(left, e.Rule.ID)
		}
		c.equal(left, []string{"never", "now"}, "what is left")
		c.equal(c.head(), head, "the head")
		c.equal(c.append(jti("next")), place(head, 1), "the next cursor")
		list, err := c.set.Revocations.Read(c.ctx, place(head, 0), 9)
		c.must(err, "reading after a cursor whose rule is forgotten")
		c.equal(len(list), 1, "the number of entries after it")
	}},
	{"revocation/epoch", "NewEpoch moves the rules that are kept into the new epoch, numbered from 1 in their order.", func(c *check) {
		sub := jti("ada")
		sub.Scope, sub.Reason = revocation.ScopeSubject, "lock"
		gone := jti("gone")
		gone.Until = at(-time.Hour)
		last := c.append(gone, jti("a"), sub, jti("b"))
		_, err := c.set.Revocations.Compact(c.ctx, at(0))
		c.must(err, "compacting")
		start := c.opens(last.Epoch+3, true)
		c.equal(start, revocation.Cursor{Epoch: last.Epoch + 3, Seq: 3}, "the head of the new epoch")
		c.equal(c.head(), start, "the head as it is read")
		moved := revocation.Cursor{Epoch: start.Epoch}
		sub.Before = place(moved, 2)
		c.equal(c.read(revocation.Cursor{}, 9), []revocation.Entry{
			{Cursor: place(moved, 1), At: at(0), Rule: jti("a")}, {Cursor: place(moved, 2), At: at(0), Rule: sub}, {Cursor: place(moved, 3), At: at(0), Rule: jti("b")},
		}, "what is read in the new epoch")
		c.equal(c.read(place(moved, 1), 1)[0].Rule.ID, "ada", "the second page")
		c.equal(c.append(jti("next")), place(start, 1), "the cursor of the next rule")
	}},
	{"revocation/epoch-snapshot", "A cursor of the epoch before is ErrSnapshotRequired, whatever its number.", func(c *check) {
		before := c.append(jti("a"), jti("b"))
		c.opens(before.Epoch+1, true)
		for seq := range before.Seq + 3 {
			_, err := c.set.Revocations.Read(c.ctx, revocation.Cursor{Epoch: before.Epoch, Seq: seq}, 9)
			c.wants(err, revocation.ErrSnapshotRequired, fmt.Sprintf("reading after number %d of the epoch before", seq))
		}
	}},
	{"revocation/epoch-grows", "Epochs only grow: a log of that epoch or a later one stays as it is.", func(c *check) {
		head := c.append(jti("a"), jti("b"))
		for _, e := range []uint64{0, 1, head.Epoch} {
			c.equal(c.opens(e, false), head, fmt.Sprintf("the head after asking for epoch %d", e))
		}
		c.equal(len(c.read(revocation.Cursor{}, 9)), 2, "the number of rules")
		_, opened, err := c.set.Revocations.NewEpoch(c.ctx, revocation.MaxEpoch+1)
		c.wants(err, revocation.ErrBadCursor, "an epoch that no store can number")
		c.that(!opened && c.head() == head, "it was opened all the same")
	}},
	{"revocation/epoch-race", "Of several nodes that ask for the same epoch one opens it, and nobody's rule is lost.", func(c *check) {
		const nodes = 8
		head := c.append(jti("a"), jti("b"))
		won := make([]bool, nodes)
		for _, err := range c.beside(nodes, func(i int) (err error) {
			if _, won[i], err = c.set.Revocations.NewEpoch(c.ctx, head.Epoch+1); err == nil {
				_, err = c.set.Revocations.Append(c.ctx, at(0), jti(fmt.Sprint("node ", i)))
			}
			return err
		}) {
			c.must(err, "opening and appending")
		}
		winners := 0
		for _, w := range won {
			if w {
				winners++
			}
		}
		c.that(winners == 1, "%d nodes opened the epoch, want 1", winners)
		c.equal(c.head(), revocation.Cursor{Epoch: head.Epoch + 1, Seq: 2 + nodes}, "the head")
		c.equal(len(c.read(revocation.Cursor{}, 99)), 2+nodes, "the number of rules")
	}},
	{"revocation/epoch-wait", "A Wait that began in the epoch before returns.", func(c *check) {
		head := c.append(jti("a"))
		woken := make(chan error, 1)
		go func() { woken <- c.set.Revocations.Wait(c.ctx, head) }()
		c.opens(head.Epoch+1, true)
		c.must(<-woken, "the Wait")
	}},
}

// commitOrder lets many write while one reads on from where it was. A sequence
// that is taken before the commit shows the reader a number while a smaller one
// is still under way, and the reader never sees that one.
func commitOrder(c *check) {
	const writers, each = 16, 20
	start := c.head()
	given := make([]map[string]revocation.Cursor, writers)
	var done sync.WaitGroup
	done.Add(1)
	ctx, stop := context.WithCancel(c.ctx)
	defer stop()
	var seen []revocation.Entry
	go func() {
		defer done.Done()
		seen = follow(ctx, c.set.Revocations, start, writers*each)
	}()
	for _, err := range c.beside(writers, func(w int) error {
		given[w] = map[string]revocation.Cursor{}
		for i := range each {
			r := jti(fmt.Sprintf("w%d/%d", w, i))
			at, err := c.set.Revocations.Append(c.ctx, at(0), r)
			if err != nil {
				return err
			}
			given[w][r.ID] = at
		}
		return nil
	}) {
		c.must(err, "appending")
	}
	head := c.head()
	c.equal(head, place(start, writers*each), "the head after all of it")
	stop() // the reader reads once more to the head, then ends
	done.Wait()
	lost := 0
	found := map[string]revocation.Cursor{}
	for _, e := range seen {
		found[e.Rule.ID] = e.Cursor
	}
	for _, mine := range given {
		for id, at := range mine {
			if found[id] != at {
				lost++
			}
		}
	}
	c.that(lost == 0, "a reader who followed lost %d of %d rules", lost, writers*each)
	for i, e := range seen {
		c.that(e.Cursor == place(start, uint64(i+1)), "entry %d stands at %v", i, e.Cursor)
	}
}

// follow reads what is new over and over until ctx has ended and nothing is
// new, or it has seen n.
func follow(ctx context.Context, log revocation.Source, after revocation.Cursor, n int) (seen []revocation.Entry) {
	for len(seen) < n {
		last := ctx.Err() != nil
		list, err := log.Read(context.WithoutCancel(ctx), after, 7)
		if err != nil && !errors.Is(err, revocation.ErrSnapshotRequired) || last && len(list) == 0 {
			return seen
		}
		if len(list) > 0 {
			seen = append(seen, list...)
			after = list[len(list)-1].Cursor
		}
	}
	return seen
}

func jti(id string) revocation.Rule {
	return revocation.Rule{Scope: revocation.ScopeToken, ID: id, Until: at(time.Hour), Action: revocation.Revoke, Reason: "logout"}
}

// place is the cursor n places after c.
func place(c revocation.Cursor, n uint64) revocation.Cursor {
	return revocation.Cursor{Epoch: c.Epoch, Seq: c.Seq + n}
}

func (c *check) head() revocation.Cursor {
	head, err := c.set.Revocations.Head(c.ctx)
	c.must(err, "reading the head")
	return head
}

func (c *check) append(rules ...revocation.Rule) revocation.Cursor {
	last, err := c.set.Revocations.Append(c.ctx, at(0), rules...)
	c.must(err, "appending")
	return last
}

// opens asks for an epoch and wants to be told whether that opened it.
func (c *check) opens(n uint64, want bool) revocation.Cursor {
	head, opened, err := c.set.Revocations.NewEpoch(c.ctx, n)
	c.must(err, "opening an epoch")
	c.that(opened == want, "asked for epoch %d it says that it opened it: %v, want %v", n, opened, want)
	return head
}

func (c *check) read(after revocation.Cursor, limit int) []revocation.Entry {
	list, err := c.set.Revocations.Read(c.ctx, after, limit)
	c.must(err, "reading after "+after.String())
	return list
}
