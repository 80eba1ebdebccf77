package storetest

import (
	"fmt"
	"time"

	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/session"
)

var sessionPromises = []promise{
	{"session/insert", "Insert adds a session at Revision 1. It returns the head of the revocation log as of the same moment.", func(c *check) {
		head := c.append(jti("a"))
		r := login("s1")
		got, err := c.set.Sessions.Insert(c.ctx, r, 0, session.Cap{})
		c.must(err, "inserting")
		c.equal(got, head, "the head")
		r.Revision = 1
		c.equal(c.session("s1"), r, "the row")
		_, err = c.set.Sessions.Insert(c.ctx, r, 0, session.Cap{})
		c.wants(err, session.ErrConflict, "inserting the same ID again")
	}},
	{"session/epoch", "Insert adds a session if the account's epoch is still epoch. Epoch is 0 for an account never ended.", func(c *check) {
		c.equal(c.epoch("ada"), int64(0), "the first epoch")
		c.insert(login("s1"))
		c.end(session.Ending{Account: "ada", Epoch: true, Reason: "password"})
		c.equal(c.epoch("ada"), int64(1), "the epoch after an end with Epoch")
		c.end(session.Ending{Account: "ada", Reason: "logout"})
		c.equal(c.epoch("ada"), int64(1), "the epoch after an end without")
		c.equal(c.epoch("bob"), int64(0), "another's epoch")
		_, err := c.set.Sessions.Insert(c.ctx, login("s2"), 0, session.Cap{})
		c.wants(err, session.ErrConflict, "a login that began before the end")
		c.gone("s2")
		_, err = c.set.Sessions.Insert(c.ctx, login("s2"), 1, session.Cap{})
		c.must(err, "a login that began after it")
	}},
	{"session/parent", "Insert adds a session if its Parent (when set) is an active session of the account.", func(c *check) {
		for _, r := range []session.Row{login("ended"), login("active")} {
			c.insert(r)
		}
		c.end(session.Ending{Account: "ada", IDs: []string{"ended"}, Reason: "logout"})
		for _, parent := range []string{"ended", "unknown"} {
			_, err := c.set.Sessions.Insert(c.ctx, child("c1", parent), 0, session.Cap{})
			c.wants(err, session.ErrConflict, "a child of the "+parent+" session")
		}
		strange := child("c1", "active")
		strange.Account = "bob"
		_, err := c.set.Sessions.Insert(c.ctx, strange, 0, session.Cap{})
		c.wants(err, session.ErrConflict, "a child of another's session")
		c.insert(child("c1", "active"))
	}},
	{"session/find", "Find returns the row and the head of the revocation log as of the same moment, or ErrNotFound.", func(c *check) {
		c.insert(login("s1"))
		head := c.append(jti("a"), jti("b"))
		_, got, err := c.set.Sessions.Find(c.ctx, "s1")
		c.must(err, "finding")
		c.equal(got, head, "the head")
		c.gone("s2")
	}},
	{"session/swap", "Swap replaces from by to if the stored Revision is from's; the stored Revision becomes from.Revision+1. ErrConflict otherwise, ErrNotFound if it is gone.", func(c *check) {
		c.insert(login("s1"))
		from := c.session("s1")
		to := session.Row{Account: "ada", State: session.Active, KeyID: 1<<32 - 1, Generation: 1<<32 - 1, RotatedAt: at(time.Minute),
			CreatedAt: from.CreatedAt, Events: []session.Event{{At: at(0), Kind: "login"}, {At: at(time.Minute), Kind: "rotate", RequestID: "r2"}}, Revision: 50}
		c.must(c.set.Sessions.Swap(c.ctx, from, to), "swapping")
		c.wants(c.set.Sessions.Swap(c.ctx, from, to), session.ErrConflict, "swapping from an old row")
		to.ID, to.Revision = "s1", 2
		c.equal(c.session("s1"), to, "the row")
		from.ID = "s2"
		c.wants(c.set.Sessions.Swap(c.ctx, from, to), session.ErrNotFound, "swapping a row that is not there")
	}},
	{"session/A085-swap-race", "Swap replaces only if the stored Revision is from's: of 64 refreshes of one generation, one wins.", func(c *check) {
		c.insert(login("s1"))
		from := c.session("s1")
		to := from
		to.Generation++
		c.oneWinner(c.beside(64, func(int) error { return c.set.Sessions.Swap(c.ctx, from, to) }), session.ErrConflict)
		c.equal(c.session("s1").Generation, from.Generation+1, "the generation")
	}},
	{"session/A090-swap-ended", "Swap after End is ErrConflict: a refresh under way does not revive an ended session.", func(c *check) {
		c.insert(login("s1"))
		from := c.session("s1")
		c.end(session.Ending{Account: "ada", Reason: "logout"})
		c.wants(c.set.Sessions.Swap(c.ctx, from, from), session.ErrConflict, "swapping from the row before the end")
		c.equal(c.session("s1").State, session.Ended, "the state")
	}},
	{"session/list", "List returns the account's sessions that are active and whose deadlines are after now, newest login first.", func(c *check) {
		for i, id := range []string{"old", "new", "mid"} {
			r := login(id)
			r.CreatedAt = at(time.Duration([]int{1, 3, 2}[i]) * time.Minute)
			c.insert(r)
		}
		idle, absolute, never, foreign := login("idle"), login("absolute"), login("never"), login("foreign")
		idle.Idle, absolute.Absolute, foreign.Account = at(time.Hour), at(time.Hour), "bob"
		never.Idle, never.Absolute, never.CreatedAt = time.Time{}, time.Time{}, at(0)
		for _, r := range []session.Row{idle, absolute, never, foreign, login("ended")} {
			c.insert(r)
		}
		c.end(session.Ending{Account: "ada", IDs: []string{"ended"}, Reason: "logout"})
		list, err := c.set.Sessions.List(c.ctx, "ada", at(time.Hour))
		c.must(err, "listing")
		c.equal(names(list), []string{"new", "mid", "old", "never"}, "the list")
		c.equal(list[0], c.session("new"), "a row of it")
	}},
	{"session/sweep", "Sweep deletes rows ended or past a deadline before now and returns how many.", func(c *check) {
		idle, absolute, never := login("idle"), login("absolute"), login("never")
		idle.Idle, absolute.Absolute = at(0), at(0)
		never.Idle, never.Absolute = time.Time{}, time.Time{}
		for _, r := range []session.Row{idle, absolute, never, login("live"), login("ended"), login("just ended")} {
			c.insert(r)
		}
		c.end(session.Ending{Account: "ada", IDs: []string{"ended"}, Reason: "logout", Now: at(0)})
		c.end(session.Ending{Account: "ada", IDs: []string{"just ended"}, Reason: "logout", Now: at(time.Second)})
		n, err := c.set.Sessions.Sweep(c.ctx, at(time.Second))
		c.must(err, "sweeping")
		c.equal(n, 3, "the number deleted")
		c.gone("idle")
		c.gone("absolute")
		c.gone("ended")
		for _, id := range []string{"never", "live", "just ended"} {
			c.session(id)
		}
	}},
	{"session/sweep-many", "Sweep deletes all of them, however many.", func(c *check) {
		for _, err := range c.beside(1300, func(i int) error {
			r := login(fmt.Sprintf("s%04d", i))
			if i%13 != 0 {
				r.Idle = at(0)
			}
			_, err := c.set.Sessions.Insert(c.ctx, r, 0, session.Cap{})
			return err
		}) {
			c.must(err, "inserting")
		}
		n, err := c.set.Sessions.Sweep(c.ctx, at(time.Second))
		c.must(err, "sweeping")
		c.equal(n, 1200, "the number deleted")
	}},
	{"session/copies", "A store shares no memory with its caller.", func(c *check) {
		r := login("s1")
		c.insert(r)
		r.Methods[0], r.Events[0].Kind = "X", "X"
		got := c.session("s1")
		c.that(got.Methods[0] == "pwd" && got.Events[0].Kind == "login", "what was put in is %v %v, after the caller changed its own", got.Methods, got.Events)
		got.Methods[0], got.Events[0].Kind = "X", "X"
		list, err := c.set.Sessions.List(c.ctx, "ada", at(0))
		c.must(err, "listing")
		c.that(list[0].Methods[0] == "pwd" && list[0].Events[0].Kind == "login", "what is kept is %v %v, after the caller changed what it got", list[0].Methods, list[0].Events)
		list[0].Methods[0] = "X"
		c.equal(c.session("s1").Methods, []string{"pwd", "otp"}, "what is kept, after the caller changed a list")
	}},
	{"session/end", "End ends the rows: state, reason, time, one more event, one more Revision; one sid rule for each, and then its rules.", func(c *check) {
		c.insert(login("b"))
		c.insert(login("a"))
		start := c.head()
		e := session.Ending{Account: "ada", Reason: "password", Event: session.Event{At: at(time.Minute), Kind: "ended", Note: "password", RequestID: "r9"},
			Now: at(time.Minute), Until: at(time.Hour), Rules: []revocation.Rule{{Scope: revocation.ScopeSubject, ID: "ada", Action: revocation.Revoke, Reason: "password", Until: at(2 * time.Hour)}}}
		ended, last, err := c.set.Sessions.End(c.ctx, e)
		c.must(err, "ending")
		c.equal(ended, []string{"a", "b"}, "who was ended")
		c.equal(last, place(start, 3), "the cursor of the last rule")
		want := login("a")
		want.State, want.EndReason, want.EndedAt, want.Revision = session.Ended, "password", at(time.Minute), 2
		want.Events = append(want.Events, e.Event)
		c.equal(c.session("a"), want, "an ended row")
		sub := e.Rules[0]
		sub.Before = last
		c.equal(c.rules(start), []revocation.Rule{
			revocation.SessionEnded("a", "password", at(time.Hour)), revocation.SessionEnded("b", "password", at(time.Hour)), sub,
		}, "the rules")
		c.equal(c.read(start, 1)[0].At, at(time.Minute), "when the rule was appended")
	}},
	{"session/end-nothing", "Ending nothing is no error; it returns the head. Who has ended already is not ended again.", func(c *check) {
		c.insert(login("s1"))
		c.end(session.Ending{Account: "ada", Reason: "logout", Now: at(time.Minute)})
		head := c.head()
		for _, e := range []session.Ending{{Account: "ada"}, {Account: "nobody"}, {Account: "ada", IDs: []string{"s1", "s9"}}} {
			e.Reason = "again"
			ended, last, err := c.set.Sessions.End(c.ctx, e)
			c.must(err, "ending nothing")
			c.that(len(ended) == 0 && last == head, "it ended %v and returned %v, the head being %v", ended, last, head)
		}
		c.equal(c.session("s1").EndReason, "logout", "the reason")
	}},
	{"session/end-some", "End ends these sessions, or all of the account, but not Except, and never another's.", func(c *check) {
		foreign := login("foreign")
		foreign.Account = "bob"
		for _, r := range []session.Row{login("a"), login("b"), login("c"), login("d"), foreign} {
			c.insert(r)
		}
		c.equal(c.end(session.Ending{Account: "ada", IDs: []string{"b", "foreign", "a", "b"}, Except: "a", Reason: "logout"}), []string{"b"}, "ended of a named few")
		c.equal(c.end(session.Ending{Account: "ada", Except: "c", Reason: "others"}), []string{"a", "d"}, "ended of all but one")
		c.equal(c.session("foreign").State, session.Active, "the state of another's session")
		c.equal(c.session("c").State, session.Active, "the state of the one that stays")
	}},
	{"session/end-children", "With Parents, children of an ended session end with it.", func(c *check) {
		for _, r := range []session.Row{login("p"), child("p-child", "p"), child("grandchild", "p-child"), login("q"), child("q-child", "q")} {
			c.insert(r)
		}
		c.equal(c.end(session.Ending{Account: "ada", IDs: []string{"q"}, Reason: "logout"}), []string{"q"}, "ended without Parents")
		c.equal(c.end(session.Ending{Account: "ada", IDs: []string{"p"}, Parents: true, Reason: "logout"}), []string{"grandchild", "p", "p-child"}, "ended with Parents")
	}},
	{"session/end-atomic", "End ends rows, raises the epoch and appends rules all in one transaction.", func(c *check) {
		c.insert(login("s1"))
		head := c.head()
		_, _, err := c.set.Sessions.End(c.ctx, session.Ending{Account: "ada", Epoch: true, Reason: "x", Rules: []revocation.Rule{{Scope: revocation.ScopeSubject, Action: revocation.Revoke}}})
		c.wants(err, revocation.ErrBadRule, "ending with a rule that names nothing")
		c.that(c.session("s1").State == session.Active && c.epoch("ada") == 0 && c.head() == head, "after an End that failed the session is %s, the epoch %d, the head %v",
			c.session("s1").State, c.epoch("ada"), c.head())
	}},
	{"session/end-beside-login", "A login that is inserted beside an End that raises the epoch does not survive it.", func(c *check) {
		for round := range 8 {
			account := fmt.Sprint("ada", round)
			before := c.epoch(account)
			errs := c.beside(65, func(i int) error {
				if i == 32 {
					_, _, err := c.set.Sessions.End(c.ctx, session.Ending{Account: account, Epoch: true, Reason: "password", Now: at(0), Until: at(time.Hour)})
					return err
				}
				r := login(fmt.Sprintf("%s/%d", account, i))
				r.Account = account
				_, err := c.set.Sessions.Insert(c.ctx, r, before, session.Cap{})
				return err
			})
			for i, err := range errs {
				if i == 32 {
					c.must(err, "ending all")
				} else if err != nil {
					c.wants(err, session.ErrConflict, "a login that lost")
				}
			}
			list, err := c.set.Sessions.List(c.ctx, account, at(0))
			c.must(err, "listing")
			c.that(len(list) == 0, "%d of 64 sessions survived", len(list))
		}
	}},
	{"session/cap", "If more than the cap would be live, Insert ends the least recently seen others, as Cap.Ending says.", func(c *check) {
		cap := session.Cap{Limit: 3, Until: at(time.Hour)}
		expired := login("expired")
		expired.Idle = at(-time.Second)
		c.insert(expired)
		for i, id := range []string{"a", "b", "c"} {
			r := login(id)
			r.SeenAt = at(time.Duration([]int{3, 1, 2}[i]) * time.Minute)
			_, err := c.set.Sessions.Insert(c.ctx, r, 0, cap)
			c.must(err, "inserting up to the cap")
		}
		start := c.head()
		r := login("d")
		r.SeenAt = at(-time.Hour) // although it would be the first to go
		head, err := c.set.Sessions.Insert(c.ctx, r, 0, cap)
		c.must(err, "inserting beyond the cap")
		c.equal(head, place(start, 1), "the head")
		c.equal(c.rules(start), []revocation.Rule{revocation.SessionEnded("b", "cap", at(time.Hour))}, "the rules")
		left := c.session("b")
		c.that(left.State == session.Ended && left.EndReason == "cap" && left.EndedAt.Equal(r.CreatedAt) && left.Events[1].Note == "cap", "the row that left is %+v", left)
		cap.Limit = 2
		_, err = c.set.Sessions.Insert(c.ctx, login("e"), 0, cap)
		c.must(err, "inserting under a smaller cap")
		list, err := c.set.Sessions.List(c.ctx, "ada", at(0))
		c.must(err, "listing")
		c.equal(names(list), []string{"a", "e"}, "who is left")
	}},
	{"session/cap-parent", "Its Parent is never one of those that leave; ErrConflict if no room can be made.", func(c *check) {
		first, second := login("first"), login("second")
		second.SeenAt = at(time.Minute)
		c.insert(first)
		c.insert(second)
		_, err := c.set.Sessions.Insert(c.ctx, child("c1", "first"), 0, session.Cap{Limit: 2})
		c.must(err, "inserting a child at the cap")
		c.that(c.session("first").State == session.Active && c.session("second").State == session.Ended, "the parent left")
		_, err = c.set.Sessions.Insert(c.ctx, child("c2", "first"), 0, session.Cap{Limit: 1})
		c.wants(err, session.ErrConflict, "a child under a cap of 1")
		c.gone("c2")
		c.equal(c.session("c1").State, session.Active, "the state of the other child")
	}},
	{"session/A107-cap-race", "Of 50 logins at once under a cap of 5, never more than 5 are live.", func(c *check) {
		cap := session.Cap{Limit: 5, Until: at(time.Hour)}
		for _, err := range c.beside(50, func(i int) error {
			_, err := c.set.Sessions.Insert(c.ctx, login(fmt.Sprint("s", i)), 0, cap)
			if err != nil {
				return err
			}
			list, err := c.set.Sessions.List(c.ctx, "ada", at(0))
			if err == nil && len(list) > 5 {
				err = fmt.Errorf("%d are live", len(list))
			}
			return err
		}) {
			c.must(err, "logging in")
		}
		list, err := c.set.Sessions.List(c.ctx, "ada", at(0))
		c.must(err, "listing")
		c.equal(len(list), 5, "the number that is live in the end")
		c.equal(len(c.rules(revocation.Cursor{})), 45, "the number of rules")
	}},
}

func login(id string) session.Row {
	return session.Row{
		ID: id, Account: "ada", State: session.Active, KeyID: 0xfedcba98, Generation: 3, RotatedAt: at(0), HeldAt: at(time.Second), ConfirmedAt: at(2 * time.Second),
		Late: 1, LateNow: true, AuthTime: at(-time.Minute), Methods: []string{"pwd", "otp"}, Context: "high", Audience: "api", Scope: "read",
		Idle: at(24 * time.Hour), Absolute: at(48 * time.Hour), Binding: "lock", Agent: "curl/8", Address: "127.0.0.1", Device: "desk's <laptop>",
		CreatedAt: at(0), SeenAt: at(0), Events: []session.Event{{At: at(0), Kind: "login", Note: "n", RequestID: "r1"}},
	}
}

func child(id, parent string) session.Row {
	r := login(id)
	r.Parent = parent
	return r
}

func names(list []session.Row) (ids []string) {
	for _, r := range list {
		ids = append(ids, r.ID)
	}
	return ids
}

func (c *check) insert(r session.Row) {
	_, err := c.set.Sessions.Insert(c.ctx, r, 0, session.Cap{})
	c.must(err, "inserting "+r.ID)
}

func (c *check) session(id string) session.Row {
	r, _, err := c.set.Sessions.Find(c.ctx, id)
	c.must(err, "finding "+id)
	return r
}

func (c *check) gone(id string) {
	_, _, err := c.set.Sessions.Find(c.ctx, id)
	c.wants(err, session.ErrNotFound, "finding "+id)
}

func (c *check) epoch(account string) int64 {
	epoch, err := c.set.Sessions.Epoch(c.ctx, account)
	c.must(err, "reading the epoch")
	return epoch
}

func (c *check) end(e session.Ending) []string {
	ended, _, err := c.set.Sessions.End(c.ctx, e)
	c.must(err, "ending")
	return ended
}

// rules reads the rules after a cursor.
func (c *check) rules(after revocation.Cursor) (rules []revocation.Rule) {
	for _, e := range c.read(after, 1000) {
		rules = append(rules, e.Rule)
	}
	return rules
}
