// Package evening is the house in which the tests of the examples take place: a
// keeper over a store in memory, and a clock that the test moves.
package evening

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

// A House is a keeper with its clock.
type House struct {
	*keeper.Keeper
	t     *testing.T
	ahead atomic.Int64
}

// New opens a house at the present moment.
func New(t *testing.T, changes ...func(*keeper.Config)) *House {
	t.Helper()
	h := &House{t: t}
	key, err := jwt.GenerateKey(jwt.ES256)
	if err != nil {
		t.Fatal(err)
	}
	backend := memory.New()
	t.Cleanup(func() { backend.Close() })
	set := backend.Set()
	cfg := keeper.Config{
		Issuer: "https://shop.example.com", Audience: "https://shop.example.com",
		Signer: jwt.NewSigner(func(time.Time) (*jwt.PrivateKey, error) { return key, nil }, jwt.KindSession),
		Keys:   jwt.NewSnapshot(key.Public()),
		Store:  set.Keepers, Revocations: set.Revocations, Now: h.Now,
	}
	for _, change := range changes {
		change(&cfg)
	}
	h.Keeper, err = keeper.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	h.Wait(0)
	return h
}

// Now is the time in the house.
func (h *House) Now() time.Time { return time.Now().Add(time.Duration(h.ahead.Load())) }

// Wait lets time pass, and the keeper hear of what happened meanwhile.
func (h *House) Wait(d time.Duration) {
	h.t.Helper()
	h.ahead.Add(int64(d))
	if err := h.CatchUp(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

// Said is what an answer says: the code of a problem, or its words.
func Said(w *httptest.ResponseRecorder) string {
	var problem struct{ Code string }
	if json.Unmarshal(w.Body.Bytes(), &problem) == nil && problem.Code != "" {
		return problem.Code
	}
	return strings.TrimSpace(w.Body.String())
}
