package opaque_test

import (
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/jotkeeper/jotkeeper/examples/migrate/internal/evening"
	"github.com/jotkeeper/jotkeeper/examples/migrate/opaque"
)

const day = 24 * time.Hour

// An API in the middle of its move.
type world struct {
	*evening.House
	t    *testing.T
	door *opaque.Door
	url  string
}

func newWorld(t *testing.T) *world {
	w := &world{House: evening.New(t), t: t}
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "shop.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	for _, text := range []string{
		`CREATE TABLE api_tokens (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, account TEXT NOT NULL, scope TEXT NOT NULL)`,
		opaque.Schema,
	} {
		if _, err := db.Exec(text); err != nil {
			t.Fatal(err)
		}
	}
	w.door = &opaque.Door{Keeper: w.Keeper, Now: w.Now, Lifetime: time.Hour,
		Table: &opaque.Table{DB: db, Until: w.Now().Add(90 * day), Grace: 7 * day}}
	mux := http.NewServeMux()
	mux.Handle("POST /token", w.door)
	mux.Handle("GET /orders", w.door.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := opaque.From(r.Context())
		fmt.Fprint(w, p.Account, p.Scopes)
	})))
	mux.Handle("GET /payout", w.door.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "paid") }), "pay"))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

// row puts an old token into the table, as the program did before the change.
func (w *world) row(id int64, raw, account, scope string) {
	w.t.Helper()
	if _, err := w.door.Table.DB.Exec(`INSERT INTO api_tokens (id, hash, account, scope) VALUES (?, ?, ?, ?)`, id, opaque.Hash(raw), account, scope); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) client(token string) *opaque.Client {
	return &opaque.Client{Base: http.DefaultTransport, Exchange: w.url + "/token", Token: token, Save: func(string) error { return nil }}
}

// get asks by way of road, a Client or a bare token.
func (w *world) get(path string, road http.RoundTripper) string {
	w.t.Helper()
	res, err := (&http.Client{Transport: road}).Get(w.url + path)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.TrimSpace(string(body))
}

type bare string

func (b bare) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}

func (w *world) left() (all, idle int) {
	w.t.Helper()
	if err := w.door.Table.Sweep(w.t.Context(), w.Now()); err != nil {
		w.t.Fatal(err)
	}
	all, idle, err := w.door.Table.Left(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return all, idle
}

// The evening: three programs hold tokens. One is brought up to date, one is not,
// one never calls. The table empties, and new tokens never ask it.
func TestTheTableEmpties(t *testing.T) {
	w := newWorld(t)
	w.row(1, "ada-0f3a", "ada", "read pay")
	w.row(2, "bob-77c1", "bob", "read")
	w.row(3, "eve-91bd", "eve", "read")

	ada := w.client("ada-0f3a")
	for range 5 {
		if got := w.get("/orders", ada); got != "ada[read pay]" {
			t.Fatal(got)
		}
	}
	if n := w.door.Table.Asked(); n != 1 {
		t.Errorf("one exchange and five requests made %d look-ups", n)
	}
	if got := w.get("/payout", ada); got != "paid" {
		t.Errorf("rights are gone: %s", got)
	}
	if got := w.get("/orders", bare("bob-77c1")); got != "bob[read]" {
		t.Errorf("an old program: %s", got)
	}
	if got := w.get("/payout", bare("bob-77c1")); got != "scope" {
		t.Errorf("rights have grown: %s", got)
	}
	if all, idle := w.left(); all != 3 || idle != 2 {
		t.Errorf("%d left, %d idle", all, idle)
	}
	if got := w.get("/orders", bare("ada-0f3a")); got != "ada[read pay]" {
		t.Errorf("the same token on another machine: %s", got)
	}

	asked := w.door.Table.Asked()
	for range 14 * 24 { // a week, each half hour
		w.Wait(30 * time.Minute)
		if got := w.get("/orders", ada); got != "ada[read pay]" {
			t.Fatal(got)
		}
	}
	if n := w.door.Table.Asked() - asked; n != 0 {
		t.Errorf("a week of new tokens made %d look-ups", n)
	}
	if all, idle := w.left(); all != 2 || idle != 2 {
		t.Errorf("after the grace: %d left, %d idle", all, idle)
	}
	if got := w.get("/orders", bare("ada-0f3a")); got != "malformed" {
		t.Errorf("an exchanged token after its grace: %s", got)
	}

	w.Wait(90 * day)
	asked = w.door.Table.Asked()
	for _, raw := range []string{"bob-77c1", "eve-91bd"} {
		if got := w.get("/orders", bare(raw)); got != "malformed" {
			t.Errorf("after the date: %s", got)
		}
	}
	if n := w.door.Table.Asked() - asked; n != 0 {
		t.Errorf("after the date: %d look-ups", n)
	}
}

// Who revokes an old token ends what it became, on every machine.
func TestRevokeEndsBoth(t *testing.T) {
	w := newWorld(t)
	w.row(1, "ada-0f3a", "ada", "read")
	one, two := w.client("ada-0f3a"), w.client("ada-0f3a")
	for _, c := range []*opaque.Client{one, two} {
		if got := w.get("/orders", c); got != "ada[read]" {
			t.Fatal(got)
		}
	}
	for range 2 { // it may be repeated
		if err := w.door.Revoke(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
	}
	for _, road := range []http.RoundTripper{one, two} {
		if got := w.get("/orders", road); got != "revoked" {
			t.Errorf("a machine goes on: %s", got)
		}
	}
	if got := w.get("/orders", bare("ada-0f3a")); got != "malformed" {
		t.Errorf("the old token: %s", got)
	}
}

// Trouble is never a refusal: a table that does not answer is 503 for old tokens
// and nothing at all for new ones.
func TestTheTableIsAway(t *testing.T) {
	w := newWorld(t)
	w.row(1, "ada-0f3a", "ada", "read")
	ada := w.client("ada-0f3a")
	w.get("/orders", ada)
	w.door.Table.DB.Close()
	if got := w.get("/orders", ada); got != "ada[read]" {
		t.Errorf("a new token: %s", got)
	}
	if got := w.get("/orders", bare("ada-0f3a")); got != "unavailable" {
		t.Errorf("an old token: %s", got)
	}
}

// A client whose disk is full does not go on with a token that it will not have
// tomorrow; while the exchange is away, it goes on with the old one.
func TestTheClientKeepsWhatItUses(t *testing.T) {
	w := newWorld(t)
	w.row(1, "ada-0f3a", "ada", "read")
	c := w.client("ada-0f3a")
	c.Save = func(string) error { return errors.New("no space left") }
	if _, err := (&http.Client{Transport: c}).Get(w.url + "/orders"); err == nil || c.Token != "ada-0f3a" {
		t.Errorf("%v, %s", err, c.Token)
	}
	c = w.client("ada-0f3a")
	c.Exchange = w.url + "/nowhere"
	if got := w.get("/orders", c); got != "ada[read]" || c.Token != "ada-0f3a" {
		t.Errorf("%s, %s", got, c.Token)
	}
}
