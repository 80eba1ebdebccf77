package sim

import "time"

// An owner is one person with one browser: one cookie jar for several tabs,
// each of which has a timer of its own, with no lock between them.
type owner struct {
	world   *world
	tabs    []tab
	session int           // logins so far
	life    int           // of the browser: it changes when the browser dies or the session does
	jar     string        // the refresh token that every tab would show now
	disk    string        // the one that a browser finds when it starts again
	unsaved bool          // the jar will be written to the disk
	asleep  time.Duration // until then
}

// A tab has a timer. A timer that was set again is not heard any more.
type tab struct{ set int }

// A request is under way, or its answer is.
type request struct {
	tab, try, life, session int
	shown                   string
	beside                  bool // one of several that a page needs
}

// begin logs in.
func (o *owner) begin() {
	_, at := o.world.node()
	token, err := o.world.server.login(at)
	o.world.note(err)
	o.session++
	o.life++
	o.jar, o.disk, o.unsaved = token, token, false
	for i := range o.tabs {
		o.later(i, o.world.between(0, accessTTL/2), 0)
	}
}

// later sets the timer of a tab.
func (o *owner) later(i int, wait time.Duration, try int) {
	o.tabs[i].set++
	set := o.tabs[i].set
	o.world.after(wait, func() {
		if o.tabs[i].set == set {
			o.fires(i, try)
		}
	})
}

// fires is a timer that has run out.
func (o *owner) fires(i, try int) {
	w := o.world
	if try == 0 && w.chance(w.Sleep/float64(w.Tabs)) {
		o.sleep()
		return
	}
	if w.chance(w.Rights) {
		w.note(w.server.rights(dawn.Add(w.now)))
	}
	r := request{tab: i, try: try, life: o.life, session: o.session, shown: o.jar}
	w.after(w.path(), func() { o.arrives(r) })
	for range w.beside() {
		other := r
		other.beside = true
		w.after(w.path(), func() { o.arrives(other) })
	}
}

// sleep shuts the lid for hours. Answers that come then are lost; when it
// opens, all timers have run out.
func (o *owner) sleep() {
	night := o.world.between(time.Hour, 4*time.Hour)
	o.asleep = o.world.now + night
	for i := range o.tabs {
		o.later(i, night+o.world.between(0, 1500*time.Millisecond), 0)
	}
}

// arrives is a request at the server.
func (o *owner) arrives(r request) {
	if r.session != o.session {
		return
	}
	w := o.world
	w.result.Refreshes++
	a := w.refresh(r.shown)
	if a.verdict == over {
		o.loggedOut()
		return
	}
	if a.verdict == served && w.thief != nil {
		w.thief.notices(a)
	}
	lost := w.chance(w.Lost)
	switch {
	case r.life != o.life || w.now < o.asleep: // whoever asked is dead, or does not listen
	case r.beside && (lost || a.verdict == wait): // the page does without
	case a.verdict == wait:
		o.later(r.tab, w.path()+w.between(time.Second, 3*time.Second), r.try)
	case lost && r.try < w.Retries:
		o.later(r.tab, w.between(2*time.Second, 10*time.Second), r.try+1)
	case lost:
		o.later(r.tab, w.pause(), 0)
	default:
		w.after(w.path(), func() { o.receives(r, a) })
	}
}

// receives is an answer in the browser.
func (o *owner) receives(r request, a answer) {
	w := o.world
	if r.life != o.life || w.now < o.asleep {
		return
	}
	if a.token != "" && a.token != o.jar {
		o.jar = a.token
		o.save()
		if w.Shows {
			again := r
			again.shown, again.beside = o.jar, true
			w.after(w.path(), func() { o.arrives(again) })
		}
	}
	if r.beside {
		return
	}
	o.later(r.tab, w.pause(), 0)
	life := o.life
	w.present(a.seen, func() bool { return life == o.life && w.now >= o.asleep })
	if w.chance(w.Deaths) {
		w.after(w.between(0, flush), func() {
			if life == o.life && w.now >= o.asleep {
				o.dies()
			}
		})
	}
}

// flush is how long a browser keeps its cookies from the disk.
const flush = 30 * time.Second

func (o *owner) save() {
	if o.unsaved {
		return
	}
	o.unsaved = true
	life := o.life
	o.world.after(flush, func() {
		if life == o.life {
			o.disk, o.unsaved = o.jar, false
		}
	})
}

// dies ends the browser at once, and starts it again with what is on the disk.
func (o *owner) dies() {
	o.life++
	o.jar, o.unsaved = o.disk, false
	again := o.world.between(2*time.Second, time.Minute)
	for i := range o.tabs {
		o.later(i, again+o.world.between(0, 1500*time.Millisecond), 0)
	}
}

// loggedOut is the end of the session, by the server.
func (o *owner) loggedOut() {
	if o.world.thief != nil && o.world.thief.found() {
		return
	}
	o.world.result.Logouts++
	o.begin()
}
