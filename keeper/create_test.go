package keeper_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
	"github.com/jotkeeper/jotkeeper/revocation"
)

func TestConfigSaysAllThatIsWrong(t *testing.T) {
	_, err := keeper.New(keeper.Config{})
	if !errors.Is(err, keeper.ErrConfig) {
		t.Fatalf("an empty Config: %v", err)
	}
	want := `keeper: unusable configuration
no Issuer: say who signs, for example https://shop.example.com
no Audience: say for whom the tokens are, for example https://shop.example.com
no Signer: give a keyring's Signer(jwt.KindSession), or jwt.NewSigner
no Keys: give the keyring, or jwt.NewSnapshot of the public key
no Store: give Keepers of a backend's Set, for example memory.New().Set().Keepers
no Revocations: give the log of the same Set`
	if err.Error() != want {
		t.Errorf("it says\n%s\nwant\n%s", err, want)
	}
}

func TestConfigRefuses(t *testing.T) {
	ps := newKeys(t, jwt.PS256)
	for says, change := range map[string]func(*keeper.Config){
		"does not sign session+jwt": func(c *keeper.Config) {
			c.Signer = jwt.NewSigner(func(time.Time) (*jwt.PrivateKey, error) { return nil, errCut }, jwt.KindAccess)
		},
		"a PS256 key":                  func(c *keeper.Config) { c.Signer, c.Keys = ps.signer(), ps },
		"an empty name in Audiences":   func(c *keeper.Config) { c.Audiences = []string{""} },
		"a Lifetime of 1.5s":           func(c *keeper.Config) { c.Lifetime = 1500 * time.Millisecond },
		"a Lifetime of -1h0m0s":        func(c *keeper.Config) { c.Lifetime = -time.Hour },
		"a Grace of 1ms":               func(c *keeper.Config) { c.Grace = time.Millisecond },
		"a Ride of 1s":                 func(c *keeper.Config) { c.Ride = time.Second },
		"above the MaxAge":             func(c *keeper.Config) { c.MaxAge = time.Minute },
		"above the Retention":          func(c *keeper.Config) { c.Retention = time.Minute },
		"an empty version":             func(c *keeper.Config) { c.Versions = []string{"1", ""} },
		`the version "1" stands twice`: func(c *keeper.Config) { c.Versions, c.Retired = []string{"1"}, []string{"1"} },
		"Retired without Versions":     func(c *keeper.Config) { c.Retired = []string{"1"} },
		`a Foreign issuer "` + issuer + `"`: func(c *keeper.Config) {
			c.Foreign = []keeper.Foreign{{Issuer: issuer, Keys: ps, InsecureUnrevocable: true}}
		},
		`no Keys of the Foreign issuer "x"`:           func(c *keeper.Config) { c.Foreign = []keeper.Foreign{{Issuer: "x", InsecureUnrevocable: true}} },
		`no Checker for the Foreign issuer "x": give`: func(c *keeper.Config) { c.Foreign = []keeper.Foreign{{Issuer: "x", Keys: ps}} },
		"the Typ": func(c *keeper.Config) {
			c.Foreign = []keeper.Foreign{{Issuer: "x", Keys: ps, InsecureUnrevocable: true, Typ: []string{""}}}
		},
	} {
		cfg := newHouse(t).cfg
		change(&cfg)
		if _, err := keeper.New(cfg); !errors.Is(err, keeper.ErrConfig) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: it says %v", says, err)
		}
	}
}

// JK1, JK19: what a login makes. A session's absolute end is fixed then.
func TestJK1LoginMakesASession(t *testing.T) {
	h := newHouse(t, func(c *keeper.Config) { c.Versions = []string{"6", "7"} })
	made := h.login()
	found := h.finds(made.Text())
	start := evening.Truncate(time.Second)
	want := keeper.Claims{
		Subject: "ada", Audience: []string{shop}, Lifetime: time.Hour, AuthTime: start,
		Methods: []string{"pwd"}, Context: "1", Scope: "read", Tenant: "acme", Private: map[string]any{"plan": "pro"},
	}
	if got := found.Claims(); !reflect.DeepEqual(got, want) {
		t.Errorf("the claims are\n\t%+v\nwant\n\t%+v", got, want)
	}
	if !found.Expires().Equal(start.Add(time.Hour)) || !found.Ends().Equal(start.Add(30*24*time.Hour)) || found.Version() != "7" || found.Issuer() != issuer {
		t.Errorf("it expires at %v, the session ends at %v, version %q of %s", found.Expires(), found.Ends(), found.Version(), found.Issuer())
	}
	if len(found.ID()) != 22 || len(found.SessionID()) != 22 || found.ID() != made.ID() || found.SessionID() != made.SessionID() {
		t.Errorf("its ID is %q, its session's %q", found.ID(), found.SessionID())
	}
	if other := h.login(); other.ID() == made.ID() || other.SessionID() == made.SessionID() {
		t.Error("two logins share an ID")
	}
}

// JK1: what Jotkeeper gives a meaning to is never set through the free map.
func TestJK1ReservedNamesAreRefused(t *testing.T) {
	h := newHouse(t)
	for _, name := range []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid", "sxp", "SXP", "ver", "prv", "rev", "cnf", "scope", "ſub", "tid", "amr", ""} {
		if _, err := h.Create(t.Context(), keeper.Claims{Subject: "ada", Private: map[string]any{name: 1}}); !errors.Is(err, keeper.ErrClaims) {
			t.Errorf("%q was taken as a private claim: %v", name, err)
		}
	}
}

// JK2: nil is no claim, in whatever dress.
func TestJK2NoNullClaims(t *testing.T) {
	h := newHouse(t)
	var nothing *string
	made := h.creates(keeper.Claims{Subject: "ada", Private: map[string]any{"a": nil, "b": nothing, "c": []any(nil), "d": 0}})
	got := h.finds(made.Text()).Claims().Private
	if _, there := got["a"]; there || got["b"] != nil || len(got) != 2 || got["d"] != int64(0) {
		t.Errorf("the private claims are %v", got)
	}
}

// JK2: a token's own lifetime.
func TestJK2LifetimeOfOneToken(t *testing.T) {
	h := newHouse(t)
	made := h.creates(keeper.Claims{Subject: "ada", Lifetime: time.Minute})
	h.pass(59 * time.Second)
	h.finds(made.Text())
	h.pass(time.Second)
	h.refuses(made.Text(), jwt.Expired)
}

// JK3: nothing is lifted out of the private claims.
func TestJK3PrivateSecretIsAClaim(t *testing.T) {
	h := newHouse(t)
	private := map[string]any{"secret": "s", "cookie_secret": "c", "n": int64(9007199254740993), "f": 1.5, "l": []any{"x", int64(2)}, "m": map[string]any{"y": true}}
	made := h.creates(keeper.Claims{Subject: "ada", Private: private})
	if got := h.finds(made.Text()).Claims().Private; !reflect.DeepEqual(got, private) {
		t.Errorf("got %v, want %v", got, private)
	}
}

// JK4, JK23: a login leaves nothing behind: it works with every call cut.
func TestJK4CreateDoesNoIO(t *testing.T) {
	h := newHouse(t)
	h.wire.set(errCut, nil)
	if calls := h.wire.counted(func() { h.finds(h.login().Text()) }); calls != "" {
		t.Errorf("a login with its first request made the calls %q", calls)
	}
}

func TestClaimsThatMakeNoToken(t *testing.T) {
	h := newHouse(t)
	for says, c := range map[string]keeper.Claims{
		"no Subject":                       {},
		"sub must be":                      {Subject: "a\x00"},
		"a Lifetime of 1.5s":               {Subject: "ada", Lifetime: 1500 * time.Millisecond},
		"a Lifetime of -1s":                {Subject: "ada", Lifetime: -time.Second},
		"and rules are kept for 1h0m0s":    {Subject: "ada", Lifetime: time.Hour + time.Second},
		`the audience "x" is none of ours`: {Subject: "ada", Audience: []string{shop, "x"}},
		"private claim":                    {Subject: "ada", Private: map[string]any{"f": func() {}}},
	} {
		made, err := h.Create(t.Context(), c)
		if made != nil || !(errors.Is(err, keeper.ErrClaims) || errors.Is(err, jwt.ErrClaims)) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, %v", says, made, err)
		}
	}
	big := keeper.Claims{Subject: "ada", Private: map[string]any{"avatar": strings.Repeat("x", 4000)}}
	if _, err := h.Create(t.Context(), big); !errors.Is(err, jwt.ErrTooLarge) || !strings.Contains(err.Error(), "avatar") {
		t.Errorf("a large token: %v", err)
	}
}

// No token outlives its session.
func TestExpIsNeverBeyondTheSession(t *testing.T) {
	h := newHouse(t, func(c *keeper.Config) { c.MaxAge, c.Retention = time.Hour, 5*time.Hour })
	made := h.creates(keeper.Claims{Subject: "ada", Lifetime: 2 * time.Hour})
	if !made.Expires().Equal(made.Ends()) {
		t.Errorf("a token expires at %v, its session at %v", made.Expires(), made.Ends())
	}
}

// Nothing is signed on a replica that has not caught up, or is stale.
func TestNothingIsSignedWhileStale(t *testing.T) {
	h := newHouse(t)
	old := h.login()
	cold, err := keeper.New(h.cfg)
	if err != nil {
		t.Fatal(err)
	}
	stale := func(err error) {
		t.Helper()
		if !errors.Is(err, keeper.ErrStale) || jwt.ReasonOf(err) != jwt.Unavailable {
			t.Errorf("the error is %v, want ErrStale", err)
		}
	}
	_, err = cold.Create(t.Context(), keeper.Claims{Subject: "ada"})
	stale(err)
	h.clock.add(revocation.MaxStale)
	h.login()
	h.clock.add(time.Second)
	_, err = h.Create(t.Context(), keeper.Claims{Subject: "ada"})
	stale(err)
	_, err = h.Rotate(t.Context(), old, nil)
	stale(err)
	h.pass(0)
	h.login()
}

// B11: whatever is printed of a token, its text is not.
func TestB11TokensDoNotPrint(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	locked := b.logsIn("ada", keeper.ByCookie)
	for _, made := range []*keeper.Token{h.login(), h.finds(h.login().Text()), locked} {
		if made.Text() == "" {
			t.Fatal("no text")
		}
		for verb, text := range printed(made) {
			secret := made.Text()[len(made.Text())-20:]
			if strings.Contains(text, secret) || strings.Contains(text, made.Text()[:20]) {
				t.Errorf("%s prints the token: %s", verb, text)
			}
			if strings.Contains(text, b.lock().Value) {
				t.Errorf("%s prints the lock: %s", verb, text)
			}
			if !strings.Contains(text, made.ID()) {
				t.Errorf("%s does not say which token it is: %s", verb, text)
			}
		}
	}
}
