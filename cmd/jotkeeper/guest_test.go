package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/jotkeeper/jotkeeper/session"
)

// A life is what a guest knows of one session.
type life struct {
	access, refresh string
	fresh           bool // its next refresh has to be a rotation
	touched         bool // something was done to it tonight
	over            bool // acknowledged
	unsure          bool // a logout was sent, no answer came
}

func begun(t tokens) *life {
	return &life{access: t.Result.Access, refresh: t.Result.Refresh, fresh: true, touched: true}
}

// A guest is a person with accounts, who does one thing after the other and
// believes only what was acknowledged.
type guest struct {
	c         *campaign
	name      string
	rng       *rand.Rand
	accounts  int
	username  string
	password  string
	tried     string  // a new password that no answer came for
	lives     []*life // of tonight
	kept      []*life // of the account, alive, from nights before
	left      []*life // of accounts before, alive
	ended     []*life // of all nights
	news      bool    // the password changed, or may have, since it was last tried
	generated int
	diary     []string // what was done, what was answered, what is believed
	upset     bool     // something was wrong: the diary is worth reading
}

var errNoAnswer = errors.New("no answer")

type tokens struct {
	Result struct {
		Access  string `json:"id_token"`
		Refresh string `json:"refresh_token"`
	}
}

// do asks and demands a status; errNoAnswer when the server died over it.
func (g *guest) do(ctx context.Context, want int, method, path string, form url.Values, bearer string) (tokens, error) {
	status, body := g.ask(ctx, method, path, form, bearer)
	var got tokens
	switch {
	case status == 0:
		return got, errNoAnswer
	case status == http.StatusServiceUnavailable:
		return got, errNoAnswer // it cannot know now: nothing is acknowledged
	case status != want:
		g.wrong("%s %s answered %d, want %d: %s\n%s", method, path, status, want, body, g.c.server.said())
		return got, errNoAnswer
	}
	_ = json.Unmarshal([]byte(body), &got)
	if got.Result.Access != "" {
		g.c.signed(got.Result.Access)
	}
	return got, nil
}

// fill tops up the sessions of a guest. One who does not know whether the last
// password change came through gets none: it would have ended those before it only.
func (g *guest) fill(h *house) {
	if g.tried != "" {
		return
	}
	ctx, now := context.Background(), time.Now()
	row, err := h.accounts.FindIdentifier(ctx, g.username)
	if err != nil {
		g.wrong("the account %s is lost: %v", g.username, err)
		return
	}
	account := strconv.FormatInt(row.ID, 10)
	epoch, err := h.sessions.Epoch(ctx, account)
	for len(g.freshLives()) < stock && err == nil {
		var issued session.Issued
		issued, err = h.sessions.Start(ctx, now, session.Login{Account: account, Audience: "localhost", Methods: []string{"pwd"}}, epoch)
		g.lives = append(g.lives, &life{access: issued.Access, refresh: issued.Refresh, fresh: true})
	}
	if err == nil {
		err = g.endBeside(ctx, h, now, account)
	}
	if err != nil {
		g.wrong("%v", err)
	}
}

// endBeside ends a session as a command does, while nobody serves the feed.
func (g *guest) endBeside(ctx context.Context, h *house, now time.Time, account string) error {
	l := g.freshLives()[0]
	parsed, err := session.ParseRefresh(l.refresh)
	if err == nil {
		err = h.sessions.End(ctx, now, account, parsed.SessionID, "logout", "")
	}
	if err != nil {
		return err
	}
	l.over = true
	g.note("ended session %s beside, while no server runs", parsed.SessionID)
	return nil
}

// act does one thing and reports whether there is another to do: the server is
// still there, and so is a session.
func (g *guest) act(ctx context.Context) bool {
	var open *life
	if fresh := g.freshLives(); len(fresh) > 0 {
		open = fresh[g.rng.IntN(len(fresh))]
	}
	switch dice := g.rng.IntN(60); {
	case dice == 0:
		return g.signUp(ctx)
	case dice == 1:
		return g.logIn(ctx)
	case open == nil:
		return false
	case dice == 2:
		return g.changePassword(ctx, open)
	case dice < 15:
		return g.logOut(ctx, open)
	default:
		return g.refresh(ctx, open)
	}
}

// freshLives are the sessions that are alive for sure and not refreshed yet:
// each refresh is then a rotation, which the store has to keep.
func (g *guest) freshLives() (all []*life) {
	for _, l := range g.lives {
		if l.fresh && !l.over && !l.unsure {
			all = append(all, l)
		}
	}
	return all
}

// moveIn signs up until that is acknowledged: on a loaded machine the server's
// patience may end before it has come to a guest's password, and a campaign
// with fewer guests would prove less.
func (g *guest) moveIn() {
	g.c.alone.Lock()
	defer g.c.alone.Unlock()
	for late := time.Now().Add(patience); !g.signUp(context.Background()); {
		if g.upset || time.Now().After(late) {
			g.wrong("never got an account")
			return
		}
	}
}

func (g *guest) signUp(ctx context.Context) bool {
	g.accounts++
	username, password := fmt.Sprintf("%s-%d", g.name, g.accounts), g.newPassword()
	got, err := g.do(ctx, http.StatusCreated, "POST", "/accounts", url.Values{"username": {username}, "password": {password}}, "")
	if err != nil {
		return false // the name is not used again, so it matters not whether it is there
	}
	g.username, g.password, g.tried, g.news = username, password, "", true
	g.leave()
	g.lives = []*life{begun(got)}
	g.believes()
	g.c.acked("account")
	return true
}

// leave turns to another account. The sessions of the one before stay as they are.
func (g *guest) leave() {
	g.left, g.kept = append(g.left, g.kept...), nil
	for _, l := range g.lives {
		if l.over {
			g.ended = append(g.ended, l)
		} else {
			g.left = append(g.left, l)
		}
	}
}

// endAll notes that every session of the account is over.
func (g *guest) endAll() {
	g.lives, g.kept = append(g.lives, g.kept...), nil
	for _, l := range g.lives {
		l.over, l.unsure = true, false
	}
}

func (g *guest) newPassword() string {
	g.generated++
	return fmt.Sprintf("moss-kettle-orbit-%s-%d", g.name, g.generated)
}

func (g *guest) logIn(ctx context.Context) bool {
	got, err := g.do(ctx, http.StatusCreated, "POST", "/session", url.Values{"username": {g.username}, "password": {g.password}}, "")
	if err != nil {
		return false
	}
	g.lives = append(g.lives, begun(got))
	g.c.acked("login")
	return true
}

func (g *guest) refresh(ctx context.Context, l *life) bool {
	l.fresh, l.touched = false, true
	got, err := g.do(ctx, http.StatusCreated, "POST", "/session/refresh", url.Values{"refresh_token": {l.refresh}}, "")
	if err != nil {
		return false
	}
	if got.Result.Refresh == "" || got.Result.Refresh == l.refresh {
		g.wrong("the first refresh of a session is no rotation")
		return false
	}
	l.access, l.refresh = got.Result.Access, got.Result.Refresh
	g.c.acked("rotation")
	return true
}

func (g *guest) logOut(ctx context.Context, l *life) bool {
	l.unsure = true
	if _, err := g.do(ctx, http.StatusOK, "DELETE", "/session", url.Values{"refresh_token": {l.refresh}}, ""); err != nil {
		return false
	}
	l.over, l.unsure = true, false
	g.c.acked("logout")
	return true
}

func (g *guest) changePassword(ctx context.Context, l *life) bool {
	next := g.newPassword()
	g.tried, g.news = next, true
	got, err := g.do(ctx, http.StatusCreated, "POST", "/password",
		url.Values{"refresh_token": {l.refresh}, "currentPassword": {g.password}, "password": {next}}, "")
	if err != nil {
		return false
	}
	g.password, g.tried = next, ""
	g.endAll()
	g.lives = append(g.lives, begun(got))
	g.believes()
	g.c.acked("password")
	return true
}

// verify is the guest's morning: what was acknowledged has to be so.
func (g *guest) verify() {
	g.believes()
	g.settlePassword()
	var untouched []*life
	for _, l := range g.lives {
		if l.over {
			g.ended = append(g.ended, l)
		} else if !l.touched && !l.unsure {
			untouched = append(untouched, l)
			continue
		}
		status, body := g.sure("/session/refresh", url.Values{"refresh_token": {l.refresh}})
		switch {
		case l.over && status != http.StatusUnauthorized:
			g.wrong("a session that had ended answers %d: %s", status, body)
		case l.over:
			g.c.told(g, l)
			// 503 is for a key that was compromised meanwhile: the server looks for
			// an unknown key once a second, and until then cannot know.
			if status, body := g.ask(context.Background(), "GET", "/revocation/v1/check", nil, l.access); status != http.StatusUnauthorized && status != http.StatusServiceUnavailable {
				g.wrong("the token of a session that had ended answers %d: %s", status, body)
			}
		case l.unsure && status == http.StatusUnauthorized: // the logout had come through
		case status != http.StatusCreated:
			g.wrong("a living session answers %d: %s", status, body)
		default:
			var got tokens
			_ = json.Unmarshal([]byte(body), &got)
			l.access, l.unsure = got.Result.Access, false
			if got.Result.Refresh != "" {
				l.refresh = got.Result.Refresh
			}
			g.kept = append(g.kept, l)
		}
	}
	g.lives = untouched
}

// lookBack asks once more for everything that ever ended.
func (g *guest) lookBack() {
	for _, l := range g.ended {
		g.c.told(g, l)
		if status, body := g.sure("/session/refresh", url.Values{"refresh_token": {l.refresh}}); status != http.StatusUnauthorized {
			g.wrong("a session that ended nights ago answers %d: %s", status, body)
		}
	}
	for _, l := range append(g.kept, g.left...) {
		if status, body := g.sure("/session/refresh", url.Values{"refresh_token": {l.refresh}}); status != http.StatusCreated {
			g.wrong("a session that lives since nights ago answers %d: %s", status, body)
		}
	}
}

// settlePassword finds out which password holds: the acknowledged one, or the
// one that was on its way when the server died. Only a refusal of the first
// leads to the second. A password costs a hash, so one that has not changed is
// tried now and then only.
func (g *guest) settlePassword() {
	if !g.news && g.rng.IntN(4) > 0 {
		return
	}
	g.news = false
	got, status, body := g.tryPassword(g.password)
	if status == http.StatusUnprocessableEntity && g.tried != "" {
		if got, _, body = g.tryPassword(g.tried); got != nil {
			g.password = g.tried
			g.endAll() // a new password does
		}
	}
	g.tried = ""
	if got == nil {
		g.wrong("the account %s or its password is lost: %s", g.username, body)
		return
	}
	g.lives = append(g.lives, got)
	g.believes()
}

func (g *guest) tryPassword(password string) (*life, int, string) {
	g.c.alone.Lock()
	defer g.c.alone.Unlock()
	status, body := g.sure("/session", url.Values{"username": {g.username}, "password": {password}})
	var got tokens
	if status != http.StatusCreated || json.Unmarshal([]byte(body), &got) != nil {
		return nil, status, body
	}
	return begun(got), status, body
}
