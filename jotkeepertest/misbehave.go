package jotkeepertest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/http"
	"time"

	"github.com/jotkeeper/jotkeeper/jwks"
	"github.com/jotkeeper/jotkeeper/jwt"
)

// A Mode is how the issuer serves its key set and its discovery document. Its
// tokens stay what they are.
type Mode string

// The modes.
const (
	Healthy     Mode = ""
	Slow        Mode = "slow"         // never answers; waits until the caller leaves
	Drip        Mode = "drip"         // answers with a byte now and then, without an end
	Status500   Mode = "500"          // an error, with a body that looks like a key set
	HTML        Mode = "html"         // a page, with status 200
	Empty       Mode = "empty"        // a key set without keys
	Huge        Mode = "huge"         // 10 MB
	GzipBomb    Mode = "gzip bomb"    // 10 MB, packed into 10 kB
	Redirect    Mode = "redirect"     // to another host, which serves a key of its own
	RotatedAway Mode = "rotated away" // keys that are good, but the signing one is not among them
	WrongKeys   Mode = "wrong keys"   // the right key IDs, on other keys
)

// Misbehave makes the issuer misbehave from now on. Healthy heals it.
func (i *Issuer) Misbehave(m Mode) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.mode = m
}

const tenMegabytes = 10 << 20

// misbehaves answers for the modes that spoil every document, and reports
// whether it did.
func (i *Issuer) misbehaves(w http.ResponseWriter, r *http.Request) bool {
	i.mu.Lock()
	mode := i.mode
	i.mu.Unlock()
	switch mode {
	case Slow:
		i.wait(r, nil)
	case Drip:
		i.drip(w, r)
	case Status500:
		writeJSON(w, http.StatusInternalServerError, map[string]any{"keys": []any{}})
	case HTML:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write([]byte("<!DOCTYPE html><title>Log in</title><p>Please log in."))
	case Empty:
		writeJSON(w, http.StatusOK, map[string]any{"keys": []any{}})
	case Huge:
		w.Header().Set("Content-Type", "application/json")
		w.Write(bytes.Repeat([]byte(" "), tenMegabytes))
	case GzipBomb:
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		z.Write(bytes.Repeat([]byte(" "), tenMegabytes))
		z.Close()
	case Redirect:
		http.Redirect(w, r, i.elsewhere.URL+r.URL.Path, http.StatusFound)
	default:
		return false
	}
	return true
}

// wait returns true at each tick, false when the caller left or the test ended.
func (i *Issuer) wait(r *http.Request, tick <-chan time.Time) bool {
	select {
	case <-r.Context().Done():
	case <-i.ending:
	case <-tick:
		return true
	}
	return false
}

func (i *Issuer) drip(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	every := time.NewTicker(50 * time.Millisecond)
	defer every.Stop()
	for i.wait(r, every.C) {
		w.Write([]byte(" "))
		http.NewResponseController(w).Flush()
	}
}

// bend returns what stands for the set in the modes that keep its form. The
// caller holds mu.
func (i *Issuer) bend(set *jwks.Set) *jwks.Set {
	switch i.mode {
	case RotatedAway:
		return jwks.NewSet(i.hidden.Public())
	case WrongKeys:
		return i.renamed(i.keys[len(i.keys)-1].ID())
	}
	return set
}

// renamed is a set of the hidden key under a key ID that is not its own.
func (i *Issuer) renamed(kid string) *jwks.Set {
	data, err := i.hidden.Public().MarshalJSON()
	if err != nil {
		panic(err) // it is an ES256 key
	}
	var members map[string]string
	if err := json.Unmarshal(data, &members); err != nil {
		panic(err)
	}
	members["kid"] = kid
	if data, err = json.Marshal(members); err != nil {
		panic(err)
	}
	key, err := jwt.ParseJWK(data)
	if err != nil {
		panic(err)
	}
	return jwks.NewSet(key)
}

// serveElsewhere is the host that nobody should be sent to.
func (i *Issuer) serveElsewhere(w http.ResponseWriter, r *http.Request) {
	i.count("elsewhere")
	if r.URL.Path == discoveryPath {
		writeJSON(w, http.StatusOK, map[string]string{"issuer": i.URL, "jwks_uri": i.elsewhere.URL + keysPath})
		return
	}
	writeJSON(w, http.StatusOK, jwks.NewSet(i.hidden.Public()))
}
