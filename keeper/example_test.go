package keeper_test

import (
	"context"
	"errors"
	"expvar"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

// A watch is a clock that an example can set.
type watch struct{ ahead time.Duration }

func (w *watch) now() time.Time { return time.Now().Add(w.ahead) }

// open returns a keeper over a store in memory. A program uses sqlite.Open and a
// keyring in its place, and lets Run follow the log.
func open(change func(*keeper.Config)) *keeper.Keeper {
	key, err := jwt.GenerateKey(jwt.ES256)
	if err != nil {
		panic(err)
	}
	set := memory.New().Set()
	cfg := keeper.Config{
		Issuer: "https://shop.example.com", Audience: "https://shop.example.com",
		Signer: jwt.NewSigner(func(time.Time) (*jwt.PrivateKey, error) { return key, nil }, jwt.KindSession),
		Keys:   jwt.NewSnapshot(key.Public()),
		Store:  set.Keepers, Revocations: set.Revocations,
	}
	change(&cfg)
	k, err := keeper.New(cfg)
	if err != nil {
		panic(err)
	}
	if err := k.CatchUp(context.Background()); err != nil {
		panic(err)
	}
	return k
}

func usual(*keeper.Config) {}

// A person logs in, makes requests, logs out.
func Example() {
	k, ctx := open(usual), context.Background()

	login, err := k.Create(ctx, keeper.Claims{Subject: "42", Private: map[string]any{"plan": "pro"}})
	fmt.Println(err)

	found, err := k.Find(ctx, login.Text()) // at each request
	fmt.Println(found.Claims().Subject, found.Claims().Private["plan"], err)

	fmt.Println(k.Revoke(ctx, found))
	_, err = k.Find(ctx, login.Text())
	fmt.Println(jwt.ReasonOf(err))
	// Output:
	// <nil>
	// 42 pro <nil>
	// <nil>
	// revoked
}

// New tells everything that is wrong, each with its remedy.
func ExampleNew() {
	_, err := keeper.New(keeper.Config{Issuer: "https://shop.example.com", Lifetime: 2 * time.Hour, Retention: time.Hour})
	fmt.Println(errors.Is(err, keeper.ErrConfig))
	fmt.Println(err)
	// Output:
	// true
	// keeper: unusable configuration
	// no Audience: say for whom the tokens are, for example https://shop.example.com
	// no Signer: give a keyring's Signer(jwt.KindSession), or jwt.NewSigner
	// no Keys: give the keyring, or jwt.NewSnapshot of the public key
	// no Store: give Keepers of a backend's Set, for example memory.New().Set().Keepers
	// no Revocations: give the log of the same Set
	// a Lifetime of 2h0m0s above the Retention of 1h0m0s: a revocation would be forgotten before its token expires
}

// Past half of its life a token is exchanged, with fresh rights. Whoever lost the
// answer is given the same token again.
func ExampleKeeper_Renew() {
	var clock watch
	k, ctx := open(func(c *keeper.Config) {
		c.Now = clock.now
		c.Regenerate = func(_ context.Context, old keeper.Claims) (keeper.Claims, error) {
			old.Scope = "read"
			return old, nil
		}
	}), context.Background()
	login, _ := k.Create(ctx, keeper.Claims{Subject: "42", Scope: "read write"})

	clock.ahead = 31 * time.Minute
	_ = k.CatchUp(ctx)
	found, _ := k.Find(ctx, login.Text())
	fmt.Println(found.Due())
	renewed, err := k.Renew(ctx, found)
	fmt.Println(renewed.Claims().Scope, err)

	again, err := k.Renew(ctx, found)
	fmt.Println(again.Text() == renewed.Text(), err)
	// Output:
	// half
	// read <nil>
	// true <nil>
}

// What cannot be renewed is served on the old token, and the error is reported.
func ExampleKeeper_Renew_kept() {
	k, ctx := open(func(c *keeper.Config) {
		c.Regenerate = func(context.Context, keeper.Claims) (keeper.Claims, error) {
			return keeper.Claims{}, errors.New("the directory is away")
		}
	}), context.Background()
	login, _ := k.Create(ctx, keeper.Claims{Subject: "42"})
	_ = k.RotateSubject(ctx, "42")

	found, _ := k.Find(ctx, login.Text())
	t, err := k.Renew(ctx, found)
	switch {
	case t == nil:
		fmt.Println("401:", jwt.ReasonOf(err))
	case errors.Is(err, keeper.ErrKept):
		fmt.Println("served; to report:", err)
	}
	// Output:
	// served; to report: keeper: not renewed, the token is kept: keeper: making new claims: the directory is away
}

// A refusal says why; a client that is told unavailable keeps everything.
func ExampleKeeper_Find() {
	k := open(usual)
	_, err := k.Find(context.Background(), "copied.by.hand")
	switch reason := jwt.ReasonOf(err); reason {
	case jwt.Unavailable:
		fmt.Println("503: come again")
	case jwt.Expired, jwt.Absolute, jwt.Revoked, jwt.Reused:
		fmt.Println("401: log in again:", reason)
	default:
		fmt.Println("401:", reason)
	}
	// Output:
	// 401: malformed
}

// Rights that a program has just changed go into a token at once.
func ExampleKeeper_Rotate() {
	k, ctx := open(usual), context.Background()
	login, _ := k.Create(ctx, keeper.Claims{Subject: "42"})
	c := login.Claims()
	c.Private = map[string]any{"plan": "pro"}
	next, err := k.Rotate(ctx, login, &c)
	fmt.Println(next.Claims().Private["plan"], next.SessionID() == login.SessionID(), err)
	// Output:
	// pro true <nil>
}

// Log out everywhere, and in again within the same request.
func ExampleKeeper_RevokeSubject() {
	k, ctx := open(usual), context.Background()
	old, _ := k.Create(ctx, keeper.Claims{Subject: "42"})
	_ = k.RevokeSubject(ctx, "42")
	fresh, _ := k.Create(ctx, keeper.Claims{Subject: "42"})

	_, err := k.Find(ctx, old.Text())
	fmt.Println(jwt.ReasonOf(err))
	_, err = k.Find(ctx, fresh.Text())
	fmt.Println(err)
	// Output:
	// revoked
	// <nil>
}

// An operator knows an ID from a log line.
func ExampleKeeper_RevokeID() {
	k, ctx := open(usual), context.Background()
	token, _ := k.Create(ctx, keeper.Claims{Subject: "42"})
	_ = k.RevokeID(ctx, token.ID())
	_ = k.RotateID(ctx, token.ID()) // takes nothing back
	_, err := k.Find(ctx, token.Text())
	fmt.Println(jwt.ReasonOf(err))
	// Output:
	// revoked
}

// A list of sessions that the program keeps ends them by ID.
func ExampleKeeper_RevokeSession() {
	k, ctx := open(usual), context.Background()
	phone, _ := k.Create(ctx, keeper.Claims{Subject: "42"})
	laptop, _ := k.Create(ctx, keeper.Claims{Subject: "42"})
	_ = k.RevokeSession(ctx, phone.SessionID())
	_, err := k.Find(ctx, phone.Text())
	fmt.Println(jwt.ReasonOf(err))
	_, err = k.Find(ctx, laptop.Text())
	fmt.Println(err)
	// Output:
	// revoked
	// <nil>
}

// A release that changes what claims mean renews every token once.
func ExampleConfig() {
	k := open(func(c *keeper.Config) {
		c.Versions = []string{"6", "7"}
		c.Lifetime, c.MaxAge = 15*time.Minute, 12*time.Hour
	})
	token, _ := k.Create(context.Background(), keeper.Claims{Subject: "42"})
	fmt.Println(token.Version(), token.Claims().Lifetime)
	// Output:
	// 7 15m0s
}

// Another issuer's tokens are taken, and left as they are.
func ExampleForeign() {
	partner, ctx := keeper.Foreign{Issuer: "https://partner.example.com", InsecureUnrevocable: true}, context.Background()
	theirs := open(func(c *keeper.Config) { c.Issuer, partner.Keys = partner.Issuer, c.Keys })
	token, _ := theirs.Create(ctx, keeper.Claims{Subject: "7"})

	k := open(func(c *keeper.Config) { c.Foreign = []keeper.Foreign{partner} })
	found, err := k.Find(ctx, token.Text())
	fmt.Println(found.Issuer(), found.Foreign(), err)
	fmt.Println(errors.Is(k.Revoke(ctx, found), keeper.ErrForeign)) // ask that one
	// Output:
	// https://partner.example.com true <nil>
	// true
}

// Reserved names are refused among the private claims.
func ExampleClaims() {
	k := open(usual)
	_, err := k.Create(context.Background(), keeper.Claims{Subject: "42", Private: map[string]any{"exp": 1}})
	fmt.Println(errors.Is(err, keeper.ErrClaims))
	// Output:
	// true
}

// A token is not printed by accident.
func ExampleToken() {
	k := open(usual)
	token, _ := k.Create(context.Background(), keeper.Claims{Subject: "42"})
	text := fmt.Sprintf("%v %+v", token, token)
	fmt.Println(text == fmt.Sprintf("token %[1]s of session %[2]s token %[1]s of session %[2]s", token.ID(), token.SessionID()))
	// Output:
	// true
}

// Run follows the log beside the program.
func ExampleKeeper_Run() {
	k := open(usual)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- k.Run(ctx) }()
	stop()
	fmt.Println(<-ended)
	// Output:
	// context canceled
}

// What a keeper did, and how it fares, for the program's metrics.
func ExampleStats() {
	k, ctx := open(usual), context.Background()
	token, _ := k.Create(ctx, keeper.Claims{Subject: "42"})
	_, _ = k.Rotate(ctx, token, nil)
	s := k.Stats()
	fmt.Println(s.Created, s.Renewed, s.Reused, time.Since(s.Rules.Heard) < revocation.MaxStale)
	// Output:
	// 1 1 0 true
}

// The standard library's way out: expvar.Publish("sessions", sessions), and
// /debug/vars has the figures.
func ExampleStats_expvar() {
	k := open(usual)
	sessions := expvar.Func(func() any { return k.Stats() })
	_, _ = k.Create(context.Background(), keeper.Claims{Subject: "42"})
	fmt.Println(strings.Contains(sessions.String(), `"Created":1,"Renewed":0,`))
	// Output:
	// true
}

// The store remembers renewals, and no token.
func ExampleRotation() {
	set := memory.New().Set()
	_, err := set.Keepers.Rotated(context.Background(), "the jti of a token that was never renewed")
	fmt.Println(errors.Is(err, keeper.ErrNotFound))
	// Output:
	// true
}

// A browser logs in, opens a page, logs out.
func ExampleKeeper_Handler() {
	k := open(usual)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		token, err := k.Create(r.Context(), keeper.Claims{Subject: "42"}) // after the password was checked
		if err == nil {
			err = k.Write(w, r, token, keeper.ByCookie)
		}
		if err != nil {
			http.Error(w, "come again", http.StatusServiceUnavailable)
		}
	})
	mux.Handle("GET /orders", k.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := keeper.FromContext(r.Context())
		fmt.Fprint(w, "orders of ", token.Subject())
	})))
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		if err := k.Clear(w, r); err != nil {
			http.Error(w, "come again", http.StatusServiceUnavailable)
		}
	})

	cookie := ""
	browse := func(method, path string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "https://shop.example.com"+path, nil)
		r.Header.Set("Origin", "https://shop.example.com")
		r.Header.Set("Cookie", cookie)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w
	}
	cookie, _, _ = strings.Cut(browse("POST", "/login").Header().Get("Set-Cookie"), ";")
	fmt.Println(browse("GET", "/orders").Body)
	fmt.Println(browse("POST", "/logout").Header().Get("Set-Cookie"))
	fmt.Println(browse("GET", "/orders").Code)
	// Output:
	// orders of 42
	// __Host-jotkeeper=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax
	// 401
}

// A locked session is worth nothing without the cookie of its browser.
func ExampleKeeper_FindRequest() {
	k, ctx := open(usual), context.Background()
	login, _ := k.Create(ctx, keeper.Claims{Subject: "42", Locked: true})
	w := httptest.NewRecorder()
	_ = k.Write(w, httptest.NewRequest("POST", "/login", nil), login, keeper.ByHeader)

	thief := httptest.NewRequest("GET", "/", nil)
	thief.Header.Set("Authorization", w.Header().Get("Authorization"))
	_, err := k.FindRequest(thief)
	fmt.Println(jwt.ReasonOf(err))

	owner := thief.Clone(ctx)
	owner.AddCookie(w.Result().Cookies()[0]) // the lock
	found, err := k.FindRequest(owner)
	fmt.Println(found.Subject(), err)
	// Output:
	// binding
	// 42 <nil>
}

// A client that is no browser keeps its token itself.
func ExampleWay() {
	k := open(usual)
	token, _ := k.Create(context.Background(), keeper.Claims{Subject: "42"})
	w := httptest.NewRecorder()
	err := k.Write(w, httptest.NewRequest("POST", "/login", nil), token, keeper.ByHeader)
	fmt.Println(w.Header().Get("Authorization") == "Bearer "+token.Text(), err)
	// Output:
	// true <nil>
}

// An account that is closed is denied, whatever its token says.
func ExampleAuthenticated() {
	k := open(usual)
	closed := map[string]bool{"42": true}
	h := k.Handler(http.NotFoundHandler(), keeper.Authenticated(func(_ *http.Request, t *keeper.Token) error {
		if closed[t.Subject()] {
			return &jwt.Error{Reason: jwt.BadScope, Detail: "the account is closed"}
		}
		return nil
	}))
	token, _ := k.Create(context.Background(), keeper.Claims{Subject: "42"})
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+token.Text())
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	fmt.Println(w.Code)
	// Output:
	// 403
}

// A program has pages of its own for people who may not enter.
func ExampleDenied() {
	k := open(usual)
	h := k.Handler(http.NotFoundHandler(), keeper.Denied(func(w http.ResponseWriter, _ *http.Request, err error) {
		if jwt.ReasonOf(err) == jwt.Unavailable {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, "<h1>Who are you?</h1>")
	}))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	fmt.Println(w.Code, w.Body)
	// Output:
	// 401 <h1>Who are you?</h1>
}

// People who open a page are sent to log in, and back to where they wanted to go.
func ExampleLoginPage() {
	k := open(usual)
	h := k.Handler(http.NotFoundHandler(), keeper.LoginPage("/login"))
	r := httptest.NewRequest("GET", "/orders?page=2", nil)
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Header().Get("Location"))
	// Output:
	// 303 /login?return_to=%2Forders%3Fpage%3D2
}

// After the login; a link that leads elsewhere leads home.
func ExampleReturnTo() {
	fmt.Println(keeper.ReturnTo(httptest.NewRequest("GET", "/login?return_to=%2Forders%3Fpage%3D2", nil)))
	fmt.Println(keeper.ReturnTo(httptest.NewRequest("GET", "/login?return_to=%2F%2Fevil.example", nil)))
	// Output:
	// /orders?page=2
	// /
}

// A background job that was handed a request's context has no token of its own.
func ExampleFromContext() {
	_, ok := keeper.FromContext(context.Background())
	fmt.Println(ok)
	// Output:
	// false
}
