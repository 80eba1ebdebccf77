package jotkeeper_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// An index full of rules costs a request no allocation.
func TestTheIndexAddsNoAllocationToARequest(t *testing.T) {
	x := revocation.NewIndex(issuer)
	for i := range uint64(1000) {
		e := revocation.Entry{Cursor: revocation.Cursor{Epoch: 1, Seq: i + 1}, Rule: revocation.SessionEnded(jwt.NewID(), "logout", time.Time{})}
		if err := x.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	count := func(c revocation.Checker) float64 {
		h := newHouse(t, func(config *jotkeeper.Config) { config.Revocations = c })
		guarded := h.auth.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		r, w := get("Authorization", "Bearer "+h.token()), httptest.NewRecorder()
		return testing.AllocsPerRun(200, func() {
			clear(w.Header())
			guarded.ServeHTTP(w, r)
			if w.Code != http.StatusOK {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
		})
	}
	if with, without := count(x), count(nil); with != without {
		t.Errorf("%v allocations with the index, %v without", with, without)
	}
}
