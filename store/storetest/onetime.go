package storetest

import (
	"fmt"
	"time"

	"github.com/jotkeeper/jotkeeper/onetime"
)

var oneTimePromises = []promise{
	{"onetime/put", "Put adds a record and Find returns it, expired or not; ErrNotFound without one.", func(c *check) {
		r := oneTimeRecord("a", 0)
		c.must(c.set.OneTimes.Put(c.ctx, r, 3), "putting")
		got, err := c.set.OneTimes.Find(c.ctx, r.Hash)
		c.must(err, "finding")
		c.equal(got, r, "the record")
		_, err = c.set.OneTimes.Find(c.ctx, "b")
		c.wants(err, onetime.ErrNotFound, "finding what is not there")
		_, err = c.set.OneTimes.Find(c.ctx, "")
		c.wants(err, onetime.ErrNotFound, "finding nothing (A120)")
	}},
	{"onetime/put-taken", "ErrConflict if its hash is there.", func(c *check) {
		c.must(c.set.OneTimes.Put(c.ctx, oneTimeRecord("a", 0), 3), "putting")
		again := oneTimeRecord("a", time.Second)
		again.Subject = "43"
		c.wants(c.set.OneTimes.Put(c.ctx, again, 3), onetime.ErrConflict, "putting the same hash")
		got, err := c.set.OneTimes.Find(c.ctx, "a")
		c.must(err, "finding")
		c.equal(got.Subject, "42", "whose it is")
	}},
	{"onetime/limit", "Of the others with its purpose and subject Put leaves those issued last, so that they are limit in number with it.", func(c *check) {
		for i, hash := range []string{"c", "a", "b"} {
			c.must(c.set.OneTimes.Put(c.ctx, oneTimeRecord(hash, time.Duration(i)*time.Second), 3), "putting")
		}
		other, stranger := oneTimeRecord("other", -time.Hour), oneTimeRecord("stranger", -time.Hour)
		other.Purpose, stranger.Subject = "login+jwt", "4"
		c.must(c.set.OneTimes.Put(c.ctx, other, 1), "putting another purpose")
		c.must(c.set.OneTimes.Put(c.ctx, stranger, 1), "putting another subject's")
		c.must(c.set.OneTimes.Put(c.ctx, oneTimeRecord("d", -time.Minute), 3), "putting one by an earlier clock")
		c.oneTimesAre("abdc", "a b d other stranger")
	}},
	{"onetime/A111-take", "Take deletes the record of a hash and returns it. Of several callers one gets it, the others ErrNotFound.", func(c *check) {
		r := oneTimeRecord("a", 0)
		c.must(c.set.OneTimes.Put(c.ctx, r, 3), "putting")
		c.oneWinner(c.beside(64, func(int) error {
			got, err := c.set.OneTimes.Take(c.ctx, "a")
			if err == nil && got != r {
				return fmt.Errorf("took %+v", got)
			}
			return err
		}), onetime.ErrNotFound)
		_, err := c.set.OneTimes.Find(c.ctx, "a")
		c.wants(err, onetime.ErrNotFound, "finding what was taken")
	}},
	{"onetime/drop", "Drop deletes the records of a subject with a purpose, of every purpose if it is empty, and returns how many.", func(c *check) {
		for i, purpose := range []string{"reset+jwt", "reset+jwt", "login+jwt"} {
			r := oneTimeRecord(fmt.Sprint("p", i), 0)
			r.Purpose = purpose
			c.must(c.set.OneTimes.Put(c.ctx, r, 3), "putting")
		}
		stranger := oneTimeRecord("stranger", 0)
		stranger.Subject = ""
		c.must(c.set.OneTimes.Put(c.ctx, stranger, 3), "putting")
		n, err := c.set.OneTimes.Drop(c.ctx, "reset+jwt", "42")
		c.must(err, "dropping one purpose")
		c.equal(n, 2, "how many it dropped")
		n, err = c.set.OneTimes.Drop(c.ctx, "", "42")
		c.must(err, "dropping all")
		c.equal(n, 1, "how many it dropped")
		_, err = c.set.OneTimes.Find(c.ctx, "stranger")
		c.must(err, "finding another subject's")
	}},
	{"onetime/sweep", "Sweep deletes records that expired before now and returns how many.", func(c *check) {
		for i, hash := range []string{"a", "b", "c"} {
			c.must(c.set.OneTimes.Put(c.ctx, oneTimeRecord(hash, time.Duration(i)*time.Second), 3), "putting")
		}
		n, err := c.set.OneTimes.Sweep(c.ctx, at(time.Hour+time.Second))
		c.must(err, "sweeping")
		c.equal(n, 1, "how many it swept")
		c.oneTimesAre("abc", "b c")
	}},
}

// oneTimesAre finds which of the hashes, a letter each, are there, with "other"
// and "stranger".
func (c *check) oneTimesAre(letters, want string) {
	hashes, got := []string{}, ""
	for _, l := range letters {
		hashes = append(hashes, string(l))
	}
	for _, hash := range append(hashes, "other", "stranger") {
		if _, err := c.set.OneTimes.Find(c.ctx, hash); err == nil {
			got += " " + hash
		}
	}
	c.equal(got, " "+want, "what is there")
}

// oneTimeRecord was issued then, and expires an hour later.
func oneTimeRecord(hash string, then time.Duration) onetime.Record {
	return onetime.Record{Hash: hash, Purpose: "reset+jwt", Subject: "42", IssuedAt: at(then), Expires: at(then + time.Hour)}
}
