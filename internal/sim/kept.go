package sim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

// kept is the product's single token: keeper.Keeper over store/memory.
type kept struct {
	nodes []*keeper.Keeper
	store *unsure
	now   time.Time         // for the node that is asked
	next  map[string]string // text of the successor, by the text before
}

// newKept makes two nodes over one store.
func newKept(s Scenario) (server, error) {
	key, err := jwt.GenerateKey(jwt.EdDSA)
	if err != nil {
		return nil, err
	}
	find := func(time.Time) (*jwt.PrivateKey, error) { return key, nil }
	recall := func(time.Time, string) (*jwt.PrivateKey, error) { return key, nil }
	set := memory.New().Set()
	k := &kept{store: &unsure{Store: set.Keepers, lost: map[string]int{}}, next: map[string]string{}}
	for range 2 {
		node, err := keeper.New(keeper.Config{
			Issuer: issuer, Audience: "shop", Keys: jwt.NewSnapshot(key.Public()), Store: k.store, Revocations: set.Revocations,
			Grace: s.Grace, Signer: jwt.NewSigner(find, jwt.KindSession).Recalling(recall), Now: func() time.Time { return k.now },
		})
		if err != nil {
			return nil, err
		}
		k.nodes = append(k.nodes, node)
	}
	return k, nil
}

// at asks a node: it has heard of everything.
func (k *kept) at(now time.Time, node int) (*keeper.Keeper, error) {
	k.now = now
	return k.nodes[node], k.nodes[node].CatchUp(context.Background())
}

func (k *kept) login(now time.Time) (string, error) {
	node, err := k.at(now, 0)
	if err != nil {
		return "", err
	}
	t, err := node.Create(context.Background(), keeper.Claims{Subject: "ada"})
	if err != nil {
		return "", err
	}
	return t.Text(), nil
}

// refresh is any request: it brings a token only when the one shown was due.
func (k *kept) refresh(now time.Time, n int, token string) (answer, error) {
	ctx := context.Background()
	node, err := k.at(now, n)
	if err != nil {
		return answer{}, err
	}
	found, err := node.Find(ctx, token)
	next := found
	if err == nil {
		next, err = node.Renew(ctx, found)
	}
	switch reason := jwt.ReasonOf(err); {
	case reason == jwt.Expired || reason == jwt.Revoked || reason == jwt.Reused:
		return answer{verdict: over, line: string(reason)}, nil
	case err != nil:
		return answer{}, err
	case next == found:
		return answer{line: "served"}, nil
	}
	return k.renewed(token, next.Text())
}

// renewed notes a renewal. Nobody may ever be given another one for the same
// token, unless the store has forgotten the first.
func (k *kept) renewed(from, to string) (answer, error) {
	a := answer{token: to, line: "repeated"}
	switch k.next[from] {
	case to:
		return a, nil
	case "":
		a.line, a.turned = "renewed", true
		k.next[from] = to
		return a, nil
	}
	return answer{}, errors.New("sim: one token was renewed to two")
}

func (k *kept) sight(time.Time, int, string, time.Duration) error { return nil }

func (k *kept) rights(now time.Time) error {
	node, err := k.at(now, 0)
	if err != nil {
		return err
	}
	return node.RotateSubject(context.Background(), "ada")
}

func (k *kept) forget() error {
	if k.store.forget() {
		clear(k.next)
	}
	return nil
}

// unsure is a store that can lose the last renewal. A renewal that was lost is
// recorded under another name when it is made again.
type unsure struct {
	keeper.Store
	last string
	lost map[string]int // times that the renewal of a token was lost
}

func (u *unsure) name(id string) string { return fmt.Sprint(id, " ", u.lost[id]) }

func (u *unsure) Rotate(ctx context.Context, r keeper.Rotation, q revocation.Query) (keeper.Rotation, error) {
	id, successor := r.ID, r.Successor
	r.ID = u.name(id)
	won, err := u.Store.Rotate(ctx, r, q)
	if err == nil && won.Successor == successor {
		u.last = id
	}
	won.ID = id
	return won, err
}

func (u *unsure) Rotated(ctx context.Context, id string) (keeper.Rotation, error) {
	r, err := u.Store.Rotated(ctx, u.name(id))
	r.ID = id
	return r, err
}

// forget loses the last renewal, if it was not lost yet.
func (u *unsure) forget() bool {
	was := u.last != ""
	if was {
		u.lost[u.last]++
		u.last = ""
	}
	return was
}
