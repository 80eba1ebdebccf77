package facepage

import (
	"net/http"
	"time"
)

// A KeyState is a signing key as the pages show it.
type KeyState struct {
	ID    string `json:"kid"`
	State string `json:"state"`
}

// keys lists the signing keys in force.
func (d *desk) keys(w http.ResponseWriter, r *http.Request, now time.Time) error {
	known, err := d.cfg.Keys.List(r.Context(), now)
	if err != nil {
		return err
	}
	list := []KeyState{}
	for _, k := range known {
		list = append(list, KeyState{k.ID, string(k.State)})
	}
	answer(w, http.StatusOK, list)
	return nil
}

// rotate hands over to the next key, as soon as all verifiers can know it.
func (d *desk) rotate(w http.ResponseWriter, r *http.Request, now time.Time) error {
	if err := d.cfg.Keys.Rotate(r.Context(), now, ""); err != nil {
		return err
	}
	return d.keys(w, r, now)
}
