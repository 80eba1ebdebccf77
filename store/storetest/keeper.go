package storetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/jotkeeper/jotkeeper/keeper"
	"github.com/jotkeeper/jotkeeper/revocation"
)

var keeperPromises = []promise{
	{"keeper/rotate", "Rotate records r unless a renewal of r.ID is recorded, and returns what is recorded; its Rev is the head of the log as of the same moment.", func(c *check) {
		_, err := c.set.Keepers.Rotated(c.ctx, "old")
		c.wants(err, keeper.ErrNotFound, "looking up a token that was not renewed")
		head := c.append(jti("other"))
		first := renewal("old", "new")
		first.Rev = revocation.Cursor{Epoch: 77, Seq: 77}
		want := first
		want.Rev = head
		c.equal(c.rotates(first), want, "what the first is given")
		c.append(jti("another"))
		c.equal(c.rotates(renewal("old", "newer")), want, "what a later one is given")
		c.equal(c.rotated("old"), want, "what is recorded")
		_, err = c.set.Keepers.Rotated(c.ctx, "new")
		c.wants(err, keeper.ErrNotFound, "looking up the successor")
	}},
	{"keeper/A085-rotate-race", "Of 64 renewals of one token one wins, and all are given that one.", func(c *check) {
		given := make([]keeper.Rotation, 64)
		for _, err := range c.beside(64, func(i int) (err error) {
			given[i], err = c.set.Keepers.Rotate(c.ctx, renewal("old", fmt.Sprint("new ", i)), c.tokenOf("old"))
			return err
		}) {
			c.must(err, "renewing")
		}
		won := c.rotated("old")
		for _, r := range given {
			c.equal(r, won, "what one of them is given, the record being that of another: a second successor")
		}
	}},
	{"keeper/revoked", "While a revoke rule in force reaches the token, nothing is recorded or returned but ErrRevoked.", func(c *check) {
		for i, scope := range []revocation.Scope{revocation.ScopeToken, revocation.ScopeSession, revocation.ScopeSubject, revocation.ScopeTenant, revocation.ScopeKey, revocation.ScopeIssuer} {
			token := revocation.Query{HasRev: true, Rev: c.head(), Issuer: "us", ID: fmt.Sprint("token", i)}
			id := fmt.Sprint(scope, i)
			switch scope {
			case revocation.ScopeToken:
				id = token.ID
			case revocation.ScopeSession:
				token.SessionID = id
			case revocation.ScopeSubject:
				token.Subject = id
			case revocation.ScopeTenant:
				token.Tenant = id
			case revocation.ScopeKey:
				token.KeyID = id
			case revocation.ScopeIssuer:
				token.Issuer = id
			}
			recorded := token
			recorded.ID = fmt.Sprint("recorded", i)
			_, err := c.set.Keepers.Rotate(c.ctx, renewal(recorded.ID, "new"), recorded)
			c.must(err, "renewing before the rule")
			c.append(onID(scope, id))
			if scope == revocation.ScopeToken {
				c.append(jti(recorded.ID))
			}
			_, err = c.set.Keepers.Rotate(c.ctx, renewal(token.ID, "new"), token)
			c.wants(err, keeper.ErrRevoked, "renewing under a "+string(scope)+" rule")
			_, err = c.set.Keepers.Rotated(c.ctx, token.ID)
			c.wants(err, keeper.ErrNotFound, "looking up what was refused")
			_, err = c.set.Keepers.Rotate(c.ctx, renewal(recorded.ID, "new"), recorded)
			c.wants(err, keeper.ErrRevoked, "asking again for a renewal on record, under a "+string(scope)+" rule")
		}
	}},
	{"keeper/not-revoked", "A rule that is weaker, of another ID or scope, not in force, or older than the token's rev does not reach it.", func(c *check) {
		for i, r := range []revocation.Rule{
			{Scope: revocation.ScopeToken, ID: "x0", Action: revocation.Rotate}, {Scope: revocation.ScopeSession, ID: "x1", Action: revocation.Revoke},
			{Scope: revocation.ScopeToken, ID: "x2", Action: revocation.Revoke, From: at(time.Microsecond), Until: at(time.Hour)},
			{Scope: revocation.ScopeToken, ID: "x3", Action: revocation.Revoke, Until: at(-time.Microsecond)},
			{Scope: revocation.ScopeSubject, ID: "ada", Action: revocation.Revoke}, {Scope: revocation.ScopeTenant, ID: "acme", Action: revocation.Revoke},
			{Scope: revocation.ScopeIssuer, ID: "us", Action: revocation.Revoke}, {Scope: revocation.ScopeSubject, ID: "sid", Action: revocation.Revoke},
		} {
			c.append(r)
			token := c.tokenOf(fmt.Sprint("x", i))
			_, err := c.set.Keepers.Rotate(c.ctx, renewal(token.ID, "new"), token)
			c.must(err, fmt.Sprintf("renewing beside %+v", r))
		}
	}},
	{"keeper/rev", "What is relative reaches a token whose rev is below the rule; a q without a rev counts as older than every rule.", func(c *check) {
		before := c.tokenOf("before")
		c.append(onID(revocation.ScopeSubject, "ada"))
		after := c.tokenOf("after")
		none := after
		none.ID, none.HasRev = "none", false
		ahead := after
		ahead.ID, ahead.Rev = "ahead", revocation.Cursor{Epoch: 1<<64 - 1, Seq: 1<<64 - 1}
		for q, want := range map[*revocation.Query]error{&before: keeper.ErrRevoked, &after: nil, &none: keeper.ErrRevoked, &ahead: nil} {
			_, err := c.set.Keepers.Rotate(c.ctx, renewal(q.ID, "new"), *q)
			c.that(errors.Is(err, want), "renewing the token %q gave %v, want %v", q.ID, err, want)
		}
	}},
	{"keeper/logout-beside-renewal", "A renewal that succeeds beside a logout comes before it in the log: the logout reaches its successor.", func(c *check) {
		for round := range 8 {
			ada := fmt.Sprint("ada ", round)
			var ended revocation.Cursor
			token := c.tokenOf("")
			token.Subject = ada
			given := make([]keeper.Rotation, 65)
			for i, err := range c.beside(65, func(i int) (err error) {
				if i == 32 {
					ended, err = c.set.Revocations.Append(c.ctx, at(0), onID(revocation.ScopeSubject, ada))
					return err
				}
				mine := token
				mine.ID = fmt.Sprintf("%s/%d", ada, i)
				given[i], err = c.set.Keepers.Rotate(c.ctx, renewal(mine.ID, "new"), mine)
				return err
			}) {
				switch {
				case i == 32:
					c.must(err, "logging out")
				case err != nil:
					c.wants(err, keeper.ErrRevoked, "a renewal that lost")
				}
			}
			for _, r := range given {
				c.that(r.ID == "" || r.Rev.Before(ended), "a renewal with the rev %v survived the logout at %v", r.Rev, ended)
			}
		}
	}},
	{"keeper/rekey", "Rekey replaces the KeyID of the recorded renewal if it is from, and returns what is recorded then, or ErrNotFound.", func(c *check) {
		_, err := c.set.Keepers.Rekey(c.ctx, "old", "key 1", "key 2")
		c.wants(err, keeper.ErrNotFound, "replacing the key of nothing")
		want := c.rotates(renewal("old", "new"))
		for _, err := range c.beside(16, func(i int) error {
			_, err := c.set.Keepers.Rekey(c.ctx, "old", "key 1", fmt.Sprint("key 2.", i))
			return err
		}) {
			c.must(err, "replacing")
		}
		want.KeyID = c.rotated("old").KeyID
		c.that(want.KeyID != "key 1", "the key was not replaced")
		got, err := c.set.Keepers.Rekey(c.ctx, "old", "key 1", "key 3")
		c.must(err, "replacing from a key that is not there any more")
		c.equal(got, want, "what it is given")
		c.equal(c.rotated("old"), want, "what is recorded")
	}},
	{"keeper/sweep", "Sweep deletes renewals whose Until is before now and returns how many, however many.", func(c *check) {
		for i := range 1300 {
			r := renewal(fmt.Sprint("t", i), "new")
			if i%13 == 0 {
				r.Until = at(time.Second)
			} else {
				r.Until = at(0)
			}
			c.rotates(r)
		}
		n, err := c.set.Keepers.Sweep(c.ctx, at(time.Second))
		c.must(err, "sweeping")
		c.equal(n, 1200, "the number deleted")
		c.rotated("t13")
		_, err = c.set.Keepers.Rotated(c.ctx, "t14")
		c.wants(err, keeper.ErrNotFound, "looking up what was swept")
	}},
	{"keeper/copies", "A store shares no memory with its caller.", func(c *check) {
		r := renewal("old", "new")
		won := c.rotates(r)
		r.Claims[0], won.Claims[0] = 'X', 'X'
		got := c.rotated("old")
		c.equal(string(got.Claims), string(renewal("old", "new").Claims), "what is kept, after the caller changed its own")
		got.Claims[0] = 'X'
		c.equal(string(c.rotated("old").Claims), string(renewal("old", "new").Claims), "what is kept, after the caller changed what it got")
	}},
}

// tokenOf is a token signed now.
func (c *check) tokenOf(id string) revocation.Query {
	return revocation.Query{
		Issuer: "us", ID: id, SessionID: "sid", Subject: "ada", Tenant: "acme", KeyID: "key 0", Rev: c.head(), HasRev: true, IssuedAt: at(0),
	}
}

func onID(s revocation.Scope, id string) revocation.Rule {
	return revocation.Rule{Scope: s, ID: id, Action: revocation.Revoke, Reason: "logout", Until: at(time.Hour)}
}

func renewal(id, successor string) keeper.Rotation {
	return keeper.Rotation{
		ID: id, Successor: successor, SessionID: "sid", KeyID: "key 1", Claims: []byte(`{"jti":"` + successor + `","ü":"\u00fc <&>"}`),
		At: at(0), Until: at(time.Hour),
	}
}

func (c *check) rotates(r keeper.Rotation) keeper.Rotation {
	won, err := c.set.Keepers.Rotate(c.ctx, r, c.tokenOf(r.ID))
	c.must(err, "renewing "+r.ID)
	return won
}

func (c *check) rotated(id string) keeper.Rotation {
	r, err := c.set.Keepers.Rotated(c.ctx, id)
	c.must(err, "looking up the renewal of "+id)
	return r
}
