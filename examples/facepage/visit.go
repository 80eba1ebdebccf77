package facepage

import (
	"net/http"
	"sync"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// visitCookie names the visit, so that a page can show what happened after a
// redirect. It opens nothing else.
const visitCookie = "facepage-visit"

// maxVisits bounds how many visits are remembered.
const maxVisits = 100

// visits remember the last act of each page, for whoever started it.
type visits struct {
	mu    sync.Mutex
	acts  map[string]map[int]*act
	order []string
}

func newVisits() *visits { return &visits{acts: map[string]map[int]*act{}} }

// keep remembers an act, and names the visit if it has no name yet.
func (v *visits) keep(w http.ResponseWriter, r *http.Request, a *act) {
	v.mu.Lock()
	defer v.mu.Unlock()
	id := cookie(r, visitCookie)
	if v.acts[id] == nil {
		id = v.open(w)
	}
	v.acts[id][a.Problem] = a
}

// open begins a visit. v.mu is held.
func (v *visits) open(w http.ResponseWriter) string {
	id := jwt.NewID()
	give(w, visitCookie, id, "/", 0)
	v.acts[id] = map[int]*act{}
	v.order = append(v.order, id)
	if len(v.order) > maxVisits {
		delete(v.acts, v.order[0])
		v.order = v.order[1:]
	}
	return id
}

// anew begins a visit that shows nothing of the one before: somebody logged in,
// perhaps somebody else.
func (v *visits) anew(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if id := cookie(r, visitCookie); v.acts[id] != nil {
		clear(v.acts[id])
	}
	v.open(w)
}

// last returns the last act of a page, nil if there was none.
func (v *visits) last(r *http.Request, problem int) *act {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.acts[cookie(r, visitCookie)][problem]
}
