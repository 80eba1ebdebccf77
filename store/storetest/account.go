package storetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jotkeeper/jotkeeper/account"
)

var accountPromises = []promise{
	{"account/insert", "Insert adds an account at Revision 1 and returns its new ID; IDs are positive and grow.", func(c *check) {
		ada, bob := person("ada"), person("bob")
		ada.ID, bob.ID = c.register(ada), c.register(bob)
		c.that(0 < ada.ID && ada.ID < bob.ID, "IDs are %d, then %d", ada.ID, bob.ID)
		ada.Revision, bob.Revision = 1, 1
		c.equal(c.account(ada.ID), ada, "the first row")
		c.equal(c.account(bob.ID), bob, "the second row")
	}},
	{"account/insert-taken", "ErrTaken if the identifier exists.", func(c *check) {
		id := c.register(person("ada"))
		_, err := c.set.Accounts.Insert(c.ctx, person("ada"))
		c.wants(err, account.ErrTaken, "inserting the identifier again")
		c.that(c.register(person("bob")) > id, "the next ID does not grow")
		_, err = c.set.Accounts.FindIdentifier(c.ctx, "ada")
		c.must(err, "finding the first")
	}},
	{"account/insert-race", "Of several who insert one identifier at once, one wins; the others get ErrTaken.", func(c *check) {
		c.oneWinner(c.beside(64, func(int) error {
			_, err := c.set.Accounts.Insert(c.ctx, person("ada"))
			return err
		}), account.ErrTaken)
	}},
	{"account/find", "Find and FindIdentifier return the row, or ErrNotFound.", func(c *check) {
		id := c.register(person("ada"))
		r, err := c.set.Accounts.FindIdentifier(c.ctx, "ada")
		c.must(err, "finding by identifier")
		c.equal(r, c.account(id), "the row by identifier")
		_, err = c.set.Accounts.FindIdentifier(c.ctx, "Ada")
		c.wants(err, account.ErrNotFound, "finding another spelling")
		_, err = c.set.Accounts.Find(c.ctx, id+1)
		c.wants(err, account.ErrNotFound, "finding an ID that is not there")
	}},
	{"account/swap", "Swap replaces from by to; the stored Revision becomes from.Revision+1; Failures and FailedAt are not touched.", func(c *check) {
		id := c.register(person("ada"))
		c.failed(id, at(time.Minute))
		from := c.account(id)
		to := account.Row{Identifier: "ada.l", Display: "Ada.L", Credential: 9, Rights: 3, RequireNew: true,
			Claims: map[string]json.RawMessage{"tier": json.RawMessage(`"<gold>"`)}, DeletedAt: at(time.Hour), Failures: 77, Revision: 55}
		c.must(c.set.Accounts.Swap(c.ctx, from, to), "swapping")
		to.ID, to.Revision, to.Failures, to.FailedAt = id, 2, from.Failures, from.FailedAt
		c.equal(c.account(id), to, "the row")
		_, err := c.set.Accounts.FindIdentifier(c.ctx, "ada")
		c.wants(err, account.ErrNotFound, "finding the old identifier")
		c.register(person("ada"))
	}},
	{"account/swap-refused", "ErrConflict, ErrTaken or ErrNotFound otherwise.", func(c *check) {
		id := c.register(person("ada"))
		c.register(person("bob"))
		from := c.account(id)
		c.wants(c.set.Accounts.Swap(c.ctx, from, person("bob")), account.ErrTaken, "taking another's identifier")
		c.must(c.set.Accounts.Swap(c.ctx, from, person("ada")), "swapping")
		c.wants(c.set.Accounts.Swap(c.ctx, from, person("ada")), account.ErrConflict, "swapping from an old row")
		c.wants(c.set.Accounts.Swap(c.ctx, from, person("bob")), account.ErrConflict, "swapping from an old row to a taken identifier")
		from.ID += 100
		c.wants(c.set.Accounts.Swap(c.ctx, from, person("eve")), account.ErrNotFound, "swapping a row that is not there")
	}},
	{"account/swap-race", "Swap replaces only if the stored Revision is from's: of several at once, one wins.", func(c *check) {
		id := c.register(person("ada"))
		from := c.account(id)
		c.oneWinner(c.beside(64, func(i int) error {
			to := from
			to.Display = fmt.Sprint(i)
			return c.set.Accounts.Swap(c.ctx, from, to)
		}), account.ErrConflict)
		c.equal(c.account(id).Revision, int64(2), "the Revision")
	}},
	{"account/list", "List returns at most limit accounts with an ID above after, by ID.", func(c *check) {
		var ids []int64
		for i := range 5 {
			ids = append(ids, c.register(person(fmt.Sprint("p", 9-i))))
		}
		c.equal(c.listed(0, 10), ids, "the whole list")
		c.equal(c.listed(ids[1], 2), ids[2:4], "a page")
		c.that(len(c.listed(ids[4], 10)) == 0, "there is something after the last")
		c.that(len(c.listed(0, 0)) == 0, "a limit of 0 gives something")
	}},
	{"account/fail", "Fail counts one failed attempt atomically and returns the count. It does not touch Revision.", func(c *check) {
		id := c.register(person("ada"))
		counts := make([]int, 64)
		for _, err := range c.beside(64, func(i int) (err error) {
			counts[i], err = c.set.Accounts.Fail(c.ctx, id, at(0))
			return err
		}) {
			c.must(err, "counting")
		}
		slices.Sort(counts)
		for i, n := range counts {
			c.that(n == i+1, "64 attempts at once were counted %v", counts)
		}
		r := c.account(id)
		c.that(r.Failures == 64 && r.Revision == 1 && r.FailedAt.Equal(at(0)), "the row says Failures %d, Revision %d, FailedAt %v", r.Failures, r.Revision, r.FailedAt)
		_, err := c.set.Accounts.Fail(c.ctx, id+1, at(0))
		c.wants(err, account.ErrNotFound, "counting for nobody")
	}},
	{"account/forgive", "Forgive sets the count back to zero, if it is still what it was. It does not touch Revision.", func(c *check) {
		id := c.register(person("ada"))
		seen := c.failed(id, at(0))
		c.failed(id, at(time.Second)) // somebody else, meanwhile
		c.must(c.set.Accounts.Forgive(c.ctx, id, seen), "forgiving an old count")
		c.equal(c.account(id).Failures, 2, "the count after forgiving an old one")
		c.must(c.set.Accounts.Forgive(c.ctx, id, 2), "forgiving")
		c.equal(c.account(id).Failures, 0, "the count")
		c.equal(c.account(id).Revision, int64(1), "the Revision")
		c.wants(c.set.Accounts.Forgive(c.ctx, id+1, 0), account.ErrNotFound, "forgiving nobody")
	}},
	{"account/copies", "A store shares no memory with its caller.", func(c *check) {
		r := person("ada")
		id := c.register(r)
		spoil(r.Claims)
		want := person("ada").Claims
		c.equal(c.account(id).Claims, want, "what was put in, after the caller changed its own")
		got := c.account(id)
		spoil(got.Claims)
		c.equal(c.account(id).Claims, want, "what is kept, after the caller changed what it got")
	}},
}

func spoil(claims map[string]json.RawMessage) {
	for _, v := range claims {
		v[0] = '!'
	}
	claims["root"] = json.RawMessage(`true`)
}

func person(identifier string) account.Row {
	return account.Row{
		Identifier: identifier, Display: "D " + identifier, Password: "$argon2id$x", Credential: 1,
		Scope: "read write", Claims: map[string]json.RawMessage{"plan": json.RawMessage(`{"a":[1,"<&>"]}`)}, Rights: 2,
		Locked: true, CreatedAt: at(0), PasswordChangedAt: at(-time.Hour), LastLoginAt: at(-time.Minute),
	}
}

func (c *check) register(r account.Row) int64 {
	id, err := c.set.Accounts.Insert(c.ctx, r)
	c.must(err, "inserting "+r.Identifier)
	return id
}

func (c *check) account(id int64) account.Row {
	r, err := c.set.Accounts.Find(c.ctx, id)
	c.must(err, "finding an account")
	return r
}

func (c *check) failed(id int64, now time.Time) int {
	n, err := c.set.Accounts.Fail(c.ctx, id, now)
	c.must(err, "counting a failure")
	return n
}

func (c *check) listed(after int64, limit int) (ids []int64) {
	list, err := c.set.Accounts.List(c.ctx, after, limit)
	c.must(err, "listing")
	for _, r := range list {
		ids = append(ids, r.ID)
	}
	return ids
}
