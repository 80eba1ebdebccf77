package sim

import "time"

// A Thief holds a copy of the refresh token that was current when he took it.
// What he gets with it he keeps for himself.
type Thief int

const (
	nobody Thief = iota
	// Naive uses it as a second client would, with the access tokens too.
	Naive
	// Careful rotates before the owner does. He knows when the owner refreshed, as
	// no thief should: he comes again when the server's hold is over, and uses
	// only access tokens of generations that the owner uses as well.
	Careful
	// Shadow knows that too, and comes shortly after each of the owner's refreshes.
	Shadow
	// First shows his copy again and again until it is renewed for him; what he
	// then has he uses as a second client would.
	First
	// Late keeps his copy for a while, and then uses it as a second client would.
	Late
	// Patient renews first as well, and does not show what he was given before the
	// owner must have shown it, 25 minutes later.
	Patient
)

// thief is one at work.
type thief struct {
	world  *world
	token  string
	first  time.Duration // when he was first served
	active bool          // he was
	served bool          // he was, since the owner last refreshed
}

func (t *thief) steal() {
	w := t.world
	t.token = w.owner.jar
	switch w.Thief {
	case Naive:
		w.after(w.between(0, time.Minute), t.uses)
	case Careful:
		t.rotatesFirst()
	case First:
		t.renewsFirst(time.Second, t.uses)
	case Patient:
		t.waitsFor()
	case Late:
		w.after(w.between(20*time.Minute, 40*time.Minute), t.uses)
	}
}

// rotatesFirst tries until he was given a token that the owner does not have.
func (t *thief) rotatesFirst() {
	if stolen := t.token; t.shows() && t.token == stolen {
		t.world.after(hold, t.rotatesFirst)
	}
}

// renewsFirst tries until he was given a token, and goes on with that after a while.
func (t *thief) renewsFirst(while time.Duration, on func()) {
	if stolen := t.token; t.shows() && t.token == stolen {
		t.world.after(20*time.Second, func() { t.renewsFirst(while, on) })
	} else if t.token != stolen {
		t.world.after(while, on)
	}
}

// waitsFor lets the owner show each token before he does.
func (t *thief) waitsFor() { t.renewsFirst(25*time.Minute, t.waitsFor) }

// uses is a client of his own, with its timer.
func (t *thief) uses() {
	if t.shows() {
		t.world.after(t.world.pause(), t.uses)
	}
}

// notices tells the thief that the owner has just refreshed.
func (t *thief) notices(a answer) {
	w := t.world
	if t.active {
		t.counts(a)
		if t.served {
			t.served = false
			w.result.Survived++
		}
	}
	switch {
	case w.Thief == Careful && t.active:
		w.after(hold+5*time.Second, func() { t.shows() })
	case w.Thief == Shadow && t.token != "":
		w.after(w.Behind, func() { t.shows() })
	}
}

// shows refreshes, and tells whether the theft goes on.
func (t *thief) shows() bool {
	w := t.world
	a := w.refresh(t.token)
	switch {
	case a.verdict == over:
		if !t.found() { // refused before it was ever of use
			w.result.Found, w.over = true, true
		}
		return false
	case a.verdict == wait:
		return true
	case !t.active:
		t.active, t.first = true, w.now
	}
	t.counts(a)
	t.served = true
	if a.token != "" {
		t.token = a.token
	}
	if w.Thief == Naive {
		w.present(a.seen, func() bool { return true })
	}
	return true
}

func (t *thief) counts(a answer) {
	if a.close {
		t.world.result.Lucky++
	}
}

// found ends the story, if the theft has begun.
func (t *thief) found() bool {
	w := t.world
	if t.active {
		w.result.Found, w.result.After, w.over = true, w.now-t.first, true
	}
	return t.active
}
