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
	if with, without := warmAllocations(t, x), warmAllocations(t, nil); with != without {
		t.Errorf("%v allocations with the index, %v without", with, without)
	}
}

// The request's copy, its context, and two headers of the answer.
func TestAWarmRequestAllocatesThreeTimes(t *testing.T) {
	if n := warmAllocations(t, nil); n != 3 {
		t.Errorf("%v allocations, want 3", n)
	}
}

// warmAllocations counts what a guarded request costs whose token was seen before.
func warmAllocations(t *testing.T, c revocation.Checker) float64 {
	h := newHouse(t, func(config *jotkeeper.Config) { config.Revocations = c })
	guarded := h.auth.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	r, w := get("Authorization", "Bearer "+h.token(func(c *jwt.Access) { c.Scope = "read write" })), httptest.NewRecorder()
	return testing.AllocsPerRun(200, func() {
		clear(w.Header())
		guarded.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	})
}
