package session

import "fmt"

// A theft: the owner and a thief hold the same refresh token. The owner's
// client is in use: it refreshes whenever half of its access token's life has
// gone, give or take a fifth. The thief does whatever is best for him.
type theft struct {
	row          machine
	owner, thief int8 // generation of the newest refresh token of each
	idle         int8 // units since the owner refreshed
	owners       age  // of the owner's access token of the current generation
	served       bool // the thief has been given tokens since the owner refreshed
	survived     int8 // times that the owner refreshed after that, and noticed nothing
	lucky        int8 // times that chance may still bring the two together
}

// half the life of an access token, in units: 450 s, and a fifth of it.
const half, jitter = 45, 9

// A hunt bounds for how long a theft may go on.
type hunt struct {
	table     table
	lucky     int8
	survives  int8 // more of the owner's refreshes than these is too long
	sightings bool // verifiers report the owner's tokens, whenever that helps the thief most
}

func (h hunt) explore() finding {
	start := theft{
		row:   machine{generation: 2, rotated: beyond, held: beyond, confirm: beyond},
		owner: 2, thief: 2, owners: never, lucky: h.lucky,
	}
	return search[theft]{moves: h.moves}.run(start)
}

func (h hunt) moves(s theft, visit func(theft, bool, func() string)) {
	h.presents(s, false, visit)
	if s.idle >= half-jitter {
		h.presents(s, true, visit)
	}
	if h.sightings && s.owners != never {
		if row, changed := h.table.sight(s.row, s.row.generation, s.owners, 0); changed {
			to := s
			to.row = row
			visit(to, false, func() string { return "the owner's access token is reported as seen" })
		}
	}
	if s.idle < half+jitter {
		to := s
		to.row, to.owners, to.idle = s.row.older(), older(s.owners), s.idle+1
		visit(to, false, func() string { return "10 s pass" })
	}
}

// presents lets one of the two refresh. A story in which the session ends is a
// theft found out: nobody goes on from there.
func (h hunt) presents(s theft, owner bool, visit func(theft, bool, func() string)) {
	shown, who := s.thief, "the thief"
	if owner {
		shown, who = s.owner, "the owner"
	}
	row, o := h.table.refresh(s.row, shown, 0)
	if h.table.lost(o) {
		return
	}
	to := s
	to.row = row
	if row.generation != s.row.generation {
		to.owners = never
	}
	if o == replay && !row.lateNow { // as close as tabs that race: no table tells that from an honest client
		if to.lucky--; to.lucky < 0 {
			return
		}
	}
	switch {
	case !o.issues():
	case owner:
		to.idle, to.owners = 0, max(to.owners, 0)
		if to.served {
			to.served = false
			to.survived++
		}
	default:
		to.served = true
	}
	if h.table.renews(o) && owner {
		to.owner = row.generation
	} else if h.table.renews(o) {
		to.thief = row.generation
	}
	visit(to.canonical(), to.survived > h.survives, func() string {
		return fmt.Sprintf("%s shows RT%d: %s (was: %v)", who, shown, o, s.row)
	})
}

func (s theft) canonical() theft {
	by := s.row.generation - newest
	if by > 0 {
		s.row.generation -= by
		s.owner, s.thief = max(0, s.owner-by), max(0, s.thief-by)
	}
	return s
}
