package keeper_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"
)

// A visitor is a client whose requests meet two processes at once.
type visitor struct {
	token   string
	cookie  bool // else the header
	last    page
	changes int // of the token
}

// round sends one request to each process, side by side, and takes what they
// give. Both must be served, and if both give a token it is the same one.
func (v *visitor) round(t *testing.T, at []*process) {
	given := make([]string, len(at))
	shown := make([]page, len(at))
	var all sync.WaitGroup
	for i, p := range at {
		all.Go(func() {
			status, body, token, err := p.ask("GET", "/orders", v.token, v.cookie)
			if err != nil || status != http.StatusOK || json.Unmarshal(body, &shown[i]) != nil {
				t.Errorf("%s was answered %d %s %v", v.last.Account, status, body, err)
			}
			given[i] = token
		})
	}
	all.Wait()
	for i, token := range given {
		if v.last.Session != "" && shown[i].Session != v.last.Session {
			t.Errorf("a token of session %s became one of %s", v.last.Session, shown[i].Session)
		}
		if token != "" && token != v.token {
			v.token = token
			v.changes++
		}
		v.last = shown[i]
	}
}

// A rollout is two processes on one file, and a crowd that bounces between them.
type rollout struct {
	*testing.T
	place    program
	at       []*process
	visitors []*visitor
}

func newRollout(t *testing.T, visitors int) *rollout {
	r := &rollout{T: t, place: newPlace(t), at: make([]*process, 2)}
	r.deploy(0, "1")
	r.deploy(1, "1")
	for i := range visitors {
		name := "visitor-" + strconv.Itoa(i)
		token := r.at[0].does("POST", "/login?account="+name, "")
		r.visitors = append(r.visitors, &visitor{token: token, cookie: i%2 == 0, last: page{Account: name}})
	}
	return r
}

// deploy puts a release in the place of a process.
func (r *rollout) deploy(i int, versions ...string) {
	r.Helper()
	r.close(i)
	r.place.Versions = versions
	r.at[i] = r.place.start(r.T)
}

func (r *rollout) close(i int) {
	r.Helper()
	if r.at[i] != nil {
		r.at[i].stop()
	}
}

// rounds has everybody go round, each time so much later that no answer of
// before can be under way.
func (r *rollout) rounds(n int) {
	r.Helper()
	for range n {
		r.place.Ahead += 21 * time.Second
		for _, p := range r.at {
			p.does("POST", "/pass?seconds=21", "")
		}
		var all sync.WaitGroup
		for _, v := range r.visitors {
			all.Go(func() { v.round(r.T, r.at) })
		}
		all.Wait()
	}
}

// changed wants each token to have changed so often, and the processes to have
// decided no other renewals since they were started.
func (r *rollout) changed(what string, times int, version string) {
	r.Helper()
	for _, v := range r.visitors {
		if v.changes != times || v.last.Version != version {
			r.Errorf("%s: the token of %s changed %d times, to version %q; want %d, %q", what, v.last.Account, v.changes, v.last.Version, times, version)
		}
		v.changes = 0
	}
	if decided, want := r.at[0].stats().Renewed+r.at[1].stats().Renewed, uint64(times*len(r.visitors)); decided != want {
		r.Errorf("%s: %d renewals were decided, want %d", what, decided, want)
	}
}

// A102, B3, JK21: a release is rolled out over two processes on one file, with
// requests that bounce between them, and rolled back. Each session is renewed
// once each time, no more; nobody is logged out. That the release is withdrawn
// for good is said only when no process of it is left.
func TestA102RollOutAndBack(t *testing.T) {
	r := newRollout(t, 24)
	r.rounds(2)
	r.changed("before", 0, "1")

	r.deploy(1, "1", "2")
	r.rounds(6)
	r.changed("rolled out to one process", 1, "2")
	r.deploy(0, "1", "2")
	r.deploy(1, "1", "2")
	r.rounds(3)
	r.changed("rolled out to both", 0, "2")

	r.deploy(1, "1")
	r.rounds(6)
	r.changed("rolled back in one process", 0, "2")
	r.place.Retired = []string{"2"}
	r.deploy(0, "1")
	r.rounds(6)
	r.changed("rolled back, and withdrawn", 1, "1")
	r.close(0)
	r.close(1)
}
