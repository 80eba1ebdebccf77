package feed

import (
	"fmt"
	"net/http"
	"time"
)

// A Sighting is a verifier's report that it was shown a genuine access token
// that was in use for a while (docs/spec/revocation-feed.md).
type Sighting struct {
	SessionID  string
	Generation string        // the gen claim, as it stands in the token
	Age        time.Duration // from the token's iat until it was shown; sent in whole seconds
}

const (
	maxBatch   = 256 // sightings of one request
	maxSession = 255 // bytes of a sid
	maxGen     = 64  // bytes of a gen
	sightRate  = 500 // sightings a second of one credential
	sightBurst = 4000
)

// A batch is the body of a request.
type batch struct {
	Version int    `json:"v"`
	Seen    []seen `json:"e"`
}

type seen struct {
	SessionID  string `json:"sid"`
	Generation string `json:"gen"`
	Age        int64  `json:"age"` // s
}

// sightings takes a batch and says nothing of it: which of them counted would
// tell whoever has a credential of sessions that are none of his.
func (h *Handler) sightings(w http.ResponseWriter, r *http.Request, by Grant) {
	if err := h.sight(w, r, by); err != nil {
		refuse(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
}

func (h *Handler) sight(w http.ResponseWriter, r *http.Request, by Grant) error {
	list, err := batchOf(w, r)
	cost := max(1, len(list)) // what cannot be read was read all the same
	if busy := h.sighting.take(by.Name, cost, time.Now()); busy != nil {
		return busy
	}
	if err != nil || len(list) == 0 {
		return err
	}
	return h.cfg.Sight(r.Context(), by.Audiences, list)
}

func batchOf(w http.ResponseWriter, r *http.Request) ([]Sighting, error) {
	text, err := body(w, r, maxBody)
	if err != nil {
		return nil, err
	}
	var in batch
	switch err := read(text, &in); {
	case err != nil || in.Version != version:
		return nil, malformed(`Sightings are {"v":1,"e":[{"sid":…,"gen":…,"age":…}]}.`)
	case len(in.Seen) > maxBatch:
		return nil, malformed(fmt.Sprintf("A request brings up to %d sightings, this one %d.", maxBatch, len(in.Seen)))
	}
	list := make([]Sighting, 0, len(in.Seen))
	for _, s := range in.Seen {
		if s.SessionID == "" || len(s.SessionID) > maxSession || s.Generation == "" || len(s.Generation) > maxGen || s.Age < 0 || s.Age > maxAge {
			return nil, malformed(fmt.Sprintf("A sighting has a sid of up to %d bytes, a gen of up to %d, and an age of 0 to %d seconds.", maxSession, maxGen, maxAge))
		}
		list = append(list, Sighting{s.SessionID, s.Generation, time.Duration(s.Age) * time.Second})
	}
	return list, nil
}

// maxAge is beyond the life of any access token, in seconds.
const maxAge = 1 << 31
