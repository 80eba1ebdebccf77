package storetest

import (
	"fmt"
	"time"

	"github.com/jotkeeper/jotkeeper/keyring"
)

var keyPromises = []promise{
	{"keyring/insert", "Insert adds a key at Revision 1; Keys returns every key, oldest first.", func(c *check) {
		second, first := signingKey("b", 2), signingKey("a", 1)
		second.CreatedAt = at(time.Hour)
		c.must(c.set.Keys.Insert(c.ctx, second), "inserting")
		c.must(c.set.Keys.Insert(c.ctx, first), "inserting")
		first.Revision, second.Revision = 1, 1
		c.equal(c.keys(), []keyring.Record{first, second}, "the list")
	}},
	{"keyring/insert-taken", "ErrConflict: the period or the ID is taken, another node won.", func(c *check) {
		c.must(c.set.Keys.Insert(c.ctx, signingKey("a", 1)), "inserting")
		c.wants(c.set.Keys.Insert(c.ctx, signingKey("a", 2)), keyring.ErrConflict, "the same ID in another period")
		c.wants(c.set.Keys.Insert(c.ctx, signingKey("b", 1)), keyring.ErrConflict, "another ID in the same period")
		c.equal(len(c.keys()), 1, "how many keys there are")
	}},
	{"keyring/election", "One key a period: the store elects the node that makes it.", func(c *check) {
		c.oneWinner(c.beside(64, func(i int) error {
			return c.set.Keys.Insert(c.ctx, signingKey(fmt.Sprint("k", i), 1))
		}), keyring.ErrConflict)
		c.equal(len(c.keys()), 1, "how many keys there are")
	}},
	{"keyring/swap", "Swap replaces from by to if the stored Revision is from's; the stored Revision becomes from.Revision+1. ErrConflict otherwise, ErrNotFound if it is gone.", func(c *check) {
		c.must(c.set.Keys.Insert(c.ctx, signingKey("a", 1)), "inserting")
		c.must(c.set.Keys.Insert(c.ctx, signingKey("b", 2)), "inserting")
		from := c.keys()[0]
		to := keyring.Record{State: keyring.Compromised, Algorithm: "EdDSA", Period: 7, CreatedAt: from.CreatedAt, Revision: 99}
		c.must(c.set.Keys.Swap(c.ctx, from, to), "swapping")
		c.wants(c.set.Keys.Swap(c.ctx, from, to), keyring.ErrConflict, "swapping from an old record")
		got := c.keys()
		c.that(len(got) == 2, "there are %d keys", len(got))
		swapped := got[1] // period 7 sorts after period 2
		c.that(swapped.ID == from.ID && swapped.State == keyring.Compromised && swapped.Revision == 2 && len(swapped.Sealed) == 0 && swapped.SignsTo.IsZero(),
			"the record is %+v", swapped)
		swapped.Period = 2
		c.wants(c.set.Keys.Swap(c.ctx, got[1], swapped), keyring.ErrConflict, "moving into a taken period")
		from.ID = "gone"
		c.wants(c.set.Keys.Swap(c.ctx, from, to), keyring.ErrNotFound, "swapping a key that is not there")
		c.must(c.set.Keys.Insert(c.ctx, signingKey("c", 1)), "inserting into the period that became free")
	}},
	{"keyring/sweep", "Sweep deletes keys whose GoneAt is before now and returns how many; a zero GoneAt is never.", func(c *check) {
		gone, stays, never := signingKey("a", 1), signingKey("b", 2), signingKey("c", 3)
		gone.GoneAt, stays.GoneAt, never.GoneAt = at(0), at(time.Second), time.Time{}
		for _, r := range []keyring.Record{gone, stays, never} {
			c.must(c.set.Keys.Insert(c.ctx, r), "inserting")
		}
		n, err := c.set.Keys.Sweep(c.ctx, at(time.Second))
		c.must(err, "sweeping")
		c.that(n == 1 && len(c.keys()) == 2 && c.keys()[0].ID == "b", "it deleted %d and left %+v", n, c.keys())
	}},
	{"keyring/copies", "It shares no memory with its caller.", func(c *check) {
		r := signingKey("a", 1)
		c.must(c.set.Keys.Insert(c.ctx, r), "inserting")
		r.Sealed[0], r.Public[0] = 'X', 'X'
		got := c.keys()[0]
		c.equal(string(got.Sealed)+string(got.Public), "sealed apublic a", "what was put in, after the caller changed its own")
		got.Sealed[0], got.Public[0] = 'X', 'X'
		got = c.keys()[0]
		c.equal(string(got.Sealed)+string(got.Public), "sealed apublic a", "what is kept, after the caller changed what it got")
	}},
}

func signingKey(id string, period int64) keyring.Record {
	return keyring.Record{
		ID: id, Algorithm: "ES256", State: keyring.Next, Sealed: []byte("sealed " + id), Public: []byte("public " + id),
		CreatedAt: at(0), SignsFrom: at(time.Hour), SignsTo: at(2 * time.Hour), GoneAt: at(3 * time.Hour), Period: period,
	}
}

func (c *check) keys() []keyring.Record {
	list, err := c.set.Keys.Keys(c.ctx)
	c.must(err, "reading the keys")
	return list
}
