package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/jotkeeper/jotkeeper/internal/needs"
	"github.com/jotkeeper/jotkeeper/secret"
)

const name, password = "Ada", "moss-kettle-orbit-42"

// The evening of one person: sign up, go on after the program was started again,
// log out, and be nobody.
func TestAnEvening(t *testing.T) {
	dir := shop(t)
	p, ada := start(t, dir), &browser{t: t}
	ada.get(p, "/").want(t, "a page", 303, "/login?return_to=%2F", "")
	ada.get(p, "/api/orders").want(t, "a route, in a browser", 303, "/login?return_to=%2Fapi%2Forders", "")
	ada.get(p, "/login?return_to=%2Fapi%2Forders").want(t, "the form", 200, "", `value="/api/orders"`)
	ada.post(p, "/signup", "name", name, "password", "1234").want(t, "a short password", 422, "", "The password is shorter than 8 characters.")
	ada.post(p, "/login", "name", name, "password", password).want(t, "nobody yet", 401, "", "The name or the password is wrong.")
	ada.post(p, "/signup", "name", name, "password", password, "return_to", "/api/orders").want(t, "signing up", 303, "/api/orders", "")
	ada.get(p, "/").want(t, "the page", 200, "", "Hello, Ada")
	ada.get(p, "/api/orders").want(t, "the route", 200, "", `"orders":["tea","biscuits"]`)
	(&browser{t: t}).post(p, "/signup", "name", "ADA", "password", password).want(t, "the name again", 409, "", "Somebody has that name.")

	p.stop()
	p = start(t, dir)
	ada.get(p, "/").want(t, "after a restart", 200, "", "Hello, Ada")
	before := *ada
	ada.post(p, "/logout").want(t, "logging out", 303, "/login", "")
	if ada.cookie != "" {
		t.Error("the browser keeps its cookie")
	}
	before.get(p, "/").want(t, "whoever kept it", 303, "/login?return_to=%2F", "")

	p.kill() // the moment after: what was answered is on the disk
	p = start(t, dir)
	before.get(p, "/").want(t, "whoever kept it, after a crash", 303, "/login?return_to=%2F", "")
	ada.post(p, "/login", "name", "ada", "password", password).want(t, "logging in", 303, "/", "")
	ada.get(p, "/").want(t, "the page", 200, "", "Hello, Ada")
	p.stop()
	if got, want := files(t, dir), "master-key -rw-------, shop.db -rw-------"; got != want {
		t.Errorf("it left %s; want %s", got, want)
	}
}

// Log out everywhere ends the phone's session from the laptop, and nobody else's.
func TestLogOutEverywhere(t *testing.T) {
	p := start(t, shop(t))
	phone, laptop, bob := &browser{t: t}, &browser{t: t}, &browser{t: t}
	phone.post(p, "/signup", "name", name, "password", password)
	laptop.post(p, "/login", "name", name, "password", password)
	bob.post(p, "/signup", "name", "Bob", "password", password)
	kept := *laptop
	laptop.post(p, "/logout-everywhere").want(t, "log out everywhere", 303, "/login", "")
	for what, b := range map[string]*browser{"the phone": phone, "the laptop": &kept} {
		b.get(p, "/").want(t, what, 303, "/login?return_to=%2F", "")
	}
	bob.get(p, "/").want(t, "Bob", 200, "", "Hello, Bob")
	phone.post(p, "/login", "name", name, "password", password)
	phone.get(p, "/").want(t, "the phone again", 200, "", "Hello, Ada")
}

// A071, A075: other sites' pages start nothing, neither with the cookie nor
// without; an API is told why.
func TestA071OtherSites(t *testing.T) {
	p, ada := start(t, shop(t)), &browser{t: t}
	ada.post(p, "/signup", "name", name, "password", password)
	forged := &browser{t: t, cookie: ada.cookie, from: "https://evil.example"}
	forged.post(p, "/logout").want(t, "a logout", 403, "", "This was sent by another site.")
	forged.post(p, "/logout-everywhere").want(t, "a logout everywhere", 403, "", `"code":"csrf"`)
	stranger := &browser{t: t, from: "https://evil.example"}
	stranger.post(p, "/login", "name", name, "password", password).want(t, "a login", 403, "", "This was sent by another site.")
	stranger.get(p, "/login?return_to=//evil.example").want(t, "a link", 200, "", `value="/"`)
	if stranger.cookie != "" {
		t.Error("another site logged its visitor in")
	}
	ada.get(p, "/").want(t, "the page", 200, "", "Hello, Ada")
}

// What is wrong is said in one line, with what to do.
func TestWhatIsWrongIsSaid(t *testing.T) {
	dir := shop(t)
	start(t, dir).stop()
	key, db := filepath.Join(dir, "master-key"), filepath.Join(dir, "shop.db")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	elsewhere := shop(t)
	says := func(want, dir, addr string) {
		t.Helper()
		if got := complaint(t, "-addr", addr, "-dir", dir); !strings.HasPrefix(got, "keeper: ") || !strings.Contains(got, want) {
			t.Errorf("it says %q, want %q", got, want)
		}
	}
	says(taken.Addr().String()+" is in use; try another: -addr ", elsewhere, taken.Addr().String())
	if _, err := os.Stat(elsewhere); err == nil {
		t.Error("it made files, and cannot run")
	}
	anyPort := "127.0.0.1:0"
	if got := complaint(t, "-addr", taken.Addr().String(), "-dir", elsewhere, "now"); !strings.Contains(got, "leave it out") {
		t.Errorf("a word that is no flag: %q", got)
	}
	right, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, key, secret.Encode(secret.Generate())+"\n")
	says("is not the key of "+db+"; put the right one back", dir, anyPort)
	write(t, key, "short\n")
	says(key+" is no master key; put the right file back", dir, anyPort)
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	says("can be read by others; chmod 600 "+key, dir, anyPort)
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	says("the database is there, and its master key "+key+" is not; put the file back", dir, anyPort)
	write(t, key, string(right))
	start(t, dir).stop()
	write(t, db, "not a database at all, but long enough to be looked at")
	says(db+" is damaged; put a good copy in its place, or begin anew with another -dir", dir, anyPort)
}

// A real browser: it takes a Secure cookie from 127.0.0.1, and keeps it while the
// program is started again.
func TestInABrowser(t *testing.T) {
	path := needs.Tool(t, "chromium", "chromium")
	dir := shop(t)
	p := start(t, dir)
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.UserDataDir(needs.Folder(t)), chromedp.Flag("disable-dev-shm-usage", true))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, closeAllocator := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	defer closeAllocator()
	tab, closeTab := chromedp.NewContext(ctx)
	defer closeTab()
	does := func(what string, steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(tab, steps...); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	does("open", chromedp.Navigate(p.url+"/"))
	does("a stranger", chromedp.WaitVisible(chromedp.CSS("#login")))
	does("sign up", chromedp.SendKeys(chromedp.CSS("[name=name]"), name), chromedp.SendKeys(chromedp.CSS("[name=password]"), password), chromedp.Click(chromedp.CSS("#signup")))
	does("signed up", chromedp.WaitVisible(chromedp.CSS("#logout")))
	addr := strings.TrimPrefix(p.url, "http://")
	p.stop()
	p = startAt(t, dir, addr)
	does("reload", chromedp.Reload())
	does("after a restart", chromedp.WaitVisible(chromedp.CSS("#logout")))
	does("log out", chromedp.Click(chromedp.CSS("#logout")))
	does("logged out", chromedp.WaitVisible(chromedp.CSS("#login")))
	does("back", chromedp.Navigate(p.url+"/"))
	does("still", chromedp.WaitVisible(chromedp.CSS("#login")))
}
