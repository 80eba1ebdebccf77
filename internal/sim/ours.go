package sim

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/secret"
	"github.com/jotkeeper/jotkeeper/session"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

const issuer = "https://id.example.com"

// ours is the product: session.Sessions over store/memory.
type ours struct {
	nodes []*session.Sessions
	store *forgetful
	sid   string
}

// newOurs makes two nodes over one store. HMAC signs the access tokens, since
// nobody verifies them here.
func newOurs(Scenario) (server, error) {
	key, err := jwt.NewHMACKey(jwt.HS256, secret.Generate().Bytes())
	if err != nil {
		return nil, err
	}
	o := &ours{store: &forgetful{Store: memory.New().Set().Sessions}}
	cfg := session.Config{
		Issuer: issuer, Store: o.store, Master: secret.NewRing(secret.Generate()),
		Signer:  jwt.NewSigner(func(time.Time) (*jwt.PrivateKey, error) { return key, nil }, jwt.KindAccess),
		Checker: revocation.NewIndex(issuer),
	}
	for range 2 {
		node, err := session.New(cfg)
		if err != nil {
			return nil, err
		}
		o.nodes = append(o.nodes, node)
	}
	return o, nil
}

func (o *ours) login(now time.Time) (string, error) {
	issued, err := o.nodes[0].Start(context.Background(), now, session.Login{Account: "ada", Audience: "shop"}, 0)
	o.sid = issued.Session.ID
	return issued.Refresh, err
}

func (o *ours) refresh(now time.Time, node int, token string) (answer, error) {
	issued, err := o.nodes[node].Refresh(context.Background(), now, token, session.Request{})
	if refusal, ok := errors.AsType[*session.Error](err); ok {
		switch {
		case refusal.Terminal():
			return answer{verdict: over, line: refusal.Outcome}, nil
		case refusal.Outcome == "late":
			return answer{verdict: wait, line: refusal.Outcome}, nil
		}
	}
	if err != nil {
		return answer{}, err
	}
	seen, err := generation(issued.Access)
	return answer{
		line: issued.Outcome, token: issued.Refresh, seen: seen,
		turned: issued.Outcome == "rotate" || issued.Outcome == "heal",
		close:  issued.Outcome == "replay" && !issued.Session.LateNow,
	}, err
}

// generation reads the gen claim, as a verifier would after it has verified.
func generation(access string) (string, error) {
	_, rest, _ := strings.Cut(access, ".")
	payload, _, _ := strings.Cut(rest, ".")
	text, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return "", fmt.Errorf("sim: an access token that nobody can read: %w", err)
	}
	var claims struct{ Gen string }
	return claims.Gen, json.Unmarshal(text, &claims)
}

func (o *ours) sight(now time.Time, node int, seen string, kept time.Duration) error {
	_, err := o.nodes[node].Sight(context.Background(), now, []string{"shop"}, session.Sighting{SessionID: o.sid, Generation: seen, Kept: kept})
	return err
}

func (o *ours) rights(time.Time) error { return nil }

func (o *ours) forget() error { return o.store.forget() }

// forgetful is a store that can lose the last write to a session.
type forgetful struct {
	session.Store
	last *session.Row // as it was before the last write
}

func (f *forgetful) Insert(ctx context.Context, r session.Row, epoch int64, c session.Cap) (revocation.Cursor, error) {
	f.last = nil
	return f.Store.Insert(ctx, r, epoch, c)
}

func (f *forgetful) Swap(ctx context.Context, from, to session.Row) error {
	err := f.Store.Swap(ctx, from, to)
	if err == nil {
		f.last = &from
	}
	return err
}

func (f *forgetful) forget() error {
	if f.last == nil {
		return nil
	}
	ctx := context.Background()
	now, _, err := f.Store.Find(ctx, f.last.ID)
	if err != nil {
		return err
	}
	last := *f.last
	f.last = nil
	return f.Store.Swap(ctx, now, last)
}
