package scssession_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"

	"github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/binding"
	"github.com/jotkeeper/jotkeeper/examples/migrate/handover"
	"github.com/jotkeeper/jotkeeper/examples/migrate/internal/evening"
	"github.com/jotkeeper/jotkeeper/examples/migrate/scssession"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
)

// A table is the store of the old sessions: it counts, and fails on demand.
type table struct {
	*memstore.MemStore
	asked int
	away  bool
}

func (s *table) Find(token string) ([]byte, bool, error) {
	s.asked++
	if s.away {
		return nil, false, errors.New("the store is away")
	}
	return s.MemStore.Find(token)
}

func (s *table) Delete(token string) error {
	if s.away {
		return errors.New("the store is away")
	}
	return s.MemStore.Delete(token)
}

func (s *table) left(t *testing.T) int {
	all, err := s.All()
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

type shop struct {
	*evening.House
	t     *testing.T
	door  *scssession.Door
	table *table
}

func newShop(t *testing.T, changes ...func(*keeper.Config)) *shop {
	s := &shop{House: evening.New(t, changes...), t: t, table: &table{MemStore: memstore.NewWithCleanupInterval(0)}}
	sessions := scs.New()
	sessions.Store = s.table
	s.door = &scssession.Door{Keeper: s.Keeper, Desk: handover.NewDesk(s.Keeper, s.Now), Sessions: sessions,
		Account: "account", Until: s.Now().Add(7 * 24 * time.Hour), Now: s.Now}
	return s
}

// oldLogin is what the program did before the change.
func (s *shop) oldLogin(account string) (token string) {
	s.t.Helper()
	ctx, err := s.door.Sessions.Load(context.Background(), "")
	if err != nil {
		s.t.Fatal(err)
	}
	if s.door.Sessions.Put(ctx, "cart", "tea"); account != "" {
		s.door.Sessions.Put(ctx, "account", account)
	}
	token, _, err = s.door.Sessions.Commit(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	return token
}

// A browser keeps cookies as they are set.
type browser map[string]string

const fresh, former = jotkeeper.DefaultCookie, "session"

// request sends the cookies of b; the answer is kept by take.
func (b browser) request() *http.Request {
	r := httptest.NewRequest("GET", "https://shop.example.com/orders", nil)
	for name, value := range b {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	return r
}

// post is a form of our own page.
func (b browser) post() *http.Request {
	r := b.request()
	r.Method = "POST"
	r.Header.Set("Origin", "https://shop.example.com")
	return r
}

func (b browser) take(w *httptest.ResponseRecorder) {
	for _, c := range w.Result().Cookies() {
		if b[c.Name] = c.Value; c.MaxAge < 0 || c.Value == "" {
			delete(b, c.Name)
		}
	}
}

// visit is a request whose answer is lost if nobody takes it.
func (s *shop) visit(r *http.Request) (*httptest.ResponseRecorder, string) {
	w := httptest.NewRecorder()
	s.door.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, _ := keeper.FromContext(r.Context())
		fmt.Fprint(w, t.Subject())
	})).ServeHTTP(w, r)
	return w, evening.Said(w)
}

// open is a visit as it goes most of the time.
func (s *shop) open(b browser) string {
	w, body := s.visit(b.request())
	b.take(w)
	return body
}

// The evening: one visit hands over, the next one empties the old side, and from
// then on no request asks the old store. Nobody sees a thing.
func TestNobodyIsLoggedOut(t *testing.T) {
	s := newShop(t)
	ada := browser{former: s.oldLogin("ada")}
	away := browser{former: s.oldLogin("bob")} // does not come before the date
	for i := range 4 {
		if got := s.open(ada); got != "ada" {
			t.Fatalf("visit %d: %s", i, got)
		}
	}
	if o, n := s.door.Counts(); o != 1 || n != 3 || s.table.left(t) != 1 || ada[former] != "" || ada[fresh] == "" {
		t.Errorf("%d old, %d new, %d sessions left, the browser has %v", o, n, s.table.left(t), ada)
	}
	asked := s.table.asked
	s.Wait(40 * time.Minute) // past half of its life the token renews itself
	before := ada[fresh]
	if got := s.open(ada); got != "ada" || ada[fresh] == before || s.table.asked != asked {
		t.Errorf("%s, renewed %t, %d look-ups", got, ada[fresh] != before, s.table.asked-asked)
	}
	s.Wait(7*24*time.Hour - 40*time.Minute)
	if got := s.open(away); got != "missing" || s.table.asked != asked {
		t.Errorf("after the date: %s, %d look-ups", got, s.table.asked-asked)
	}
}

// Ten requests of one page, and an answer that is lost, are one session.
func TestOneOldSessionIsOneNewSession(t *testing.T) {
	s := newShop(t)
	ada := browser{former: s.oldLogin("ada")}
	late := ada.request() // sent before any answer came
	s.visit(ada.request())
	for range 9 {
		if got := s.open(ada); got != "ada" {
			t.Fatal(got)
		}
	}
	if n := s.Stats().Created; n != 1 {
		t.Errorf("%d sessions", n)
	}
	if _, got := s.visit(late); got != "ada" {
		t.Errorf("a request that came after the old session's end: %s", got)
	}
	s.Wait(handover.Grace)
	if _, got := s.visit(browser{former: late.CookiesNamed(former)[0].Value}.request()); got != "missing" || s.door.Desk.Waiting() != 0 {
		t.Errorf("the old cookie a grace later: %s, %d remembered", got, s.door.Desk.Waiting())
	}
}

// A062: what the browser had before is worth nothing afterwards, and no client
// chooses the ID of a session.
func TestFixation(t *testing.T) {
	s := newShop(t)
	guest := browser{former: s.oldLogin("")}
	if got := s.open(guest); got != "missing" || guest[fresh] != "" {
		t.Fatalf("a session without an account was handed over: %s %v", got, guest)
	}
	mallory := browser{former: s.oldLogin("mallory")}
	s.open(mallory) // has both cookies now, and plants them
	victim := browser{former: mallory[former], fresh: mallory[fresh]}
	w := httptest.NewRecorder()
	token, err := s.door.Login(w, victim.post(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]browser{"old": {former: mallory[former]}, "new": {fresh: mallory[fresh]}} {
		if got := s.open(b); got != "missing" && got != "revoked" {
			t.Errorf("A062: the planted %s cookie is %s", name, got)
		}
	}
	victim.take(w)
	if got := s.open(victim); got != "ada" || victim[former] != "" || victim[fresh] != token.Text() {
		t.Errorf("after the login: %s %v", got, victim)
	}
	planted := browser{former: s.oldLogin("mallory")} // the old one alone
	if _, err := s.door.Login(httptest.NewRecorder(), planted.post(), "ada"); err != nil {
		t.Fatal(err)
	}
	if got := s.open(planted); got != "missing" {
		t.Errorf("A062: the planted old cookie, alone, is %s", got)
	}
	if got := s.open(browser{former: "chosen-by-a-client"}); got != "missing" {
		t.Errorf("A062: a chosen cookie is %s", got)
	}

	old := s.oldLogin("bob")
	bob := browser{former: old}
	s.open(bob)
	handed, err := s.Find(t.Context(), bob[fresh])
	if err != nil || handed.SessionID() == token.SessionID() || strings.Contains(bob[fresh], old) || handed.SessionID() == old {
		t.Errorf("A062: the new session has an old ID: %v", err)
	}
	// A new token that is refused is not replaced from an old session beside it.
	if err := s.Revoke(t.Context(), handed); err != nil {
		t.Fatal(err)
	}
	s.door.Desk = handover.NewDesk(s.Keeper, s.Now) // a restart
	if got := s.open(bob); got != "revoked" {
		t.Errorf("an ended session beside its old one: %s", got)
	}
}

// A logout in the middle of the change ends both, whichever the browser brings.
func TestLogoutEndsBoth(t *testing.T) {
	for name, visits := range map[string]int{"before the first visit": 0, "the answer was lost": 1, "handed over": 2, "arrived": 3} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			old := s.oldLogin("ada")
			ada := browser{former: old}
			copies := []browser{{former: old}}
			for i := range visits {
				w, _ := s.visit(ada.request())
				copied := browser{}
				copied.take(w)
				if copies = append(copies, copied); i > 0 {
					ada.take(w)
				}
			}
			w := httptest.NewRecorder()
			if err := s.door.Logout(w, ada.post()); err != nil {
				t.Fatal(err)
			}
			if ada.take(w); len(ada) != 0 || s.table.left(t) != 0 {
				t.Errorf("left: cookies %v, %d old sessions", ada, s.table.left(t))
			}
			for _, c := range copies {
				if got := s.open(c); got != "missing" && got != "revoked" {
					t.Errorf("%v is still %s", c, got)
				}
			}
		})
	}
}

// Trouble with the old store is never a logout, and a logout says when it failed.
func TestTheOldStoreIsAway(t *testing.T) {
	s := newShop(t)
	ada := browser{former: s.oldLogin("ada")}
	s.table.away = true
	if w, got := s.visit(ada.request()); w.Code != 503 || got != "unavailable" || len(w.Result().Cookies()) != 0 {
		t.Errorf("%d %s", w.Code, got)
	}
	s.table.away = false
	s.open(ada)
	s.table.away = true
	if got := s.open(ada); got != "ada" {
		t.Errorf("with a token in hand: %s", got)
	}
	if err := s.door.Logout(httptest.NewRecorder(), ada.post()); err == nil {
		t.Error("the logout did not say that the old session lives")
	}
	s.table.away = false
	w := httptest.NewRecorder()
	if err := s.door.Logout(w, ada.post()); err != nil {
		t.Error(err)
	}
}

// The cookie goes with requests that other sites start: they may change nothing.
func TestOtherSitesStartNothing(t *testing.T) {
	s := newShop(t)
	r := browser{former: s.oldLogin("ada")}.request()
	r.Method = "POST"
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if w, _ := s.visit(r); w.Code != 403 || s.Stats().Created != 0 {
		t.Errorf("%d, %d sessions", w.Code, s.Stats().Created)
	}
	for _, b := range []browser{{former: s.oldLogin("ada")}, {former: s.oldLogin("ada"), fresh: "x"}} {
		r := b.post()
		r.Header.Set("Origin", "https://evil.example")
		if _, err := s.door.Login(httptest.NewRecorder(), r, "mallory"); jwt.ReasonOf(err) != jwt.CSRF {
			t.Errorf("A075: a login that another site sent: %v", err)
		}
		if err := s.door.Logout(httptest.NewRecorder(), r); jwt.ReasonOf(err) != jwt.CSRF {
			t.Errorf("A075: a logout that another site sent: %v", err)
		}
	}
	if n := s.table.left(t); n != 3 {
		t.Errorf("another site ended old sessions: %d left of 3", n)
	}
	two := browser{former: s.oldLogin("ada")}.request()
	two.AddCookie(&http.Cookie{Name: former, Value: s.oldLogin("bob")})
	if w, got := s.visit(two); w.Code != 400 || got != "ambiguous" {
		t.Errorf("two people: %d %s", w.Code, got)
	}
}

// A060: where the keeper demands locks, people come over with one each: served at
// once, also when an answer is lost, and of no use to a thief of the token alone.
func TestA060WhereLocksAreDemanded(t *testing.T) {
	s := newShop(t, func(c *keeper.Config) { c.Lock = binding.Required })
	ada := browser{former: s.oldLogin("ada")}
	if _, got := s.visit(ada.request()); got != "ada" {
		t.Errorf("an answer that is lost: %s", got)
	}
	for i := range 3 {
		if got := s.open(ada); got != "ada" {
			t.Fatalf("visit %d: %s", i, got)
		}
	}
	if _, got := s.visit(browser{fresh: ada[fresh]}.request()); got != "binding" || s.Stats().Created != 1 || s.table.left(t) != 0 {
		t.Errorf("a thief: %s; %d sessions, %d left of the old", got, s.Stats().Created, s.table.left(t))
	}
}
