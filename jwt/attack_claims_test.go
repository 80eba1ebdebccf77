package jwt_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
)

func TestA018Payload(t *testing.T) {
	whole := func(s string) func(*forge) { return func(f *forge) { f.claims = s } }
	wrap := func(before, after string) func(*forge) {
		return func(f *forge) { f.claims = before + f.claims + after }
	}
	var attacks []attack
	for _, s := range []string{`[]`, `null`, `"ada"`, `7`, `true`, ` `, `{`, `{}{}`, "\xfe\xff\x00{\x00}"} {
		attacks = append(attacks, attack{"whole " + s, whole(s), nil, jwt.BadClaim})
	}
	refuseAll(t, newKey(t, jwt.ES256), append(attacks,
		attack{"in an array", wrap("[", "]"), nil, jwt.BadClaim},
		attack{"byte order mark", wrap("\xef\xbb\xbf", ""), nil, jwt.BadClaim},
		attack{"trailing letter", wrap("", "x"), nil, jwt.BadClaim},
		attack{"trailing object", wrap("", "{}"), nil, jwt.BadClaim},
		attack{"trailing NUL", wrap("", "\x00"), nil, jwt.BadClaim},
		attack{"UTF-16", func(f *forge) { f.claims = "\x00" + strings.Join(strings.Split(f.claims, ""), "\x00") }, nil, jwt.BadClaim},
		attack{"invalid UTF-8", swapClaims(`"ada"`, "\"ad\xff\""), nil, jwt.BadClaim},
		attack{"overlong UTF-8", swapClaims(`"ada"`, "\"ad\xc1\xa1\""), nil, jwt.BadClaim},
		attack{"lone surrogate", swapClaims(`"ada"`, `"ad\ud800"`), nil, jwt.BadClaim},
		attack{"a comment", swapClaims(`{"iss"`, `{/**/"iss"`), nil, jwt.BadClaim},
		attack{"a trailing comma", swapClaims(`write"}`, `write",}`), nil, jwt.BadClaim},
	))
}

func TestA026Expiry(t *testing.T) {
	exp := access().Expires
	var attacks []attack
	for _, value := range []string{
		`"%d"`, `%d.5`, `%de0`, `-%d`, `0`, `-0`, `9223372036854775808`, `9223372036854775807`, `253402300800`,
		`1e400`, `NaN`, `null`, `true`, `[]`, `[%d]`, `{}`, `0x7fffffff`, `+%d`, `0%d`,
	} {
		if strings.Contains(value, "%d") {
			value = fmt.Sprintf(value, exp)
		}
		attacks = append(attacks, attack{value, swapClaims(fmt.Sprintf(`"exp":%d`, exp), `"exp":`+value), nil, jwt.BadClaim})
	}
	refuseAll(t, newKey(t, jwt.ES256), append(attacks,
		attack{"absent", swapClaims(fmt.Sprintf(`"exp":%d,`, exp), ``), nil, jwt.BadClaim},
		attack{"now", swapClaims(fmt.Sprint(exp), fmt.Sprint(noon.Unix())), nil, jwt.Expired},
		attack{"long ago", swapClaims(fmt.Sprint(exp), "1"), nil, jwt.Expired},
	))
}

// The skew is for what lies ahead of the issuer's clock, and it ends somewhere.
func TestA027NotYet(t *testing.T) {
	at := func(claim string, d time.Duration) func(*forge) {
		return swapClaims(fmt.Sprintf(`"%s":%d`, claim, noon.Unix()), fmt.Sprintf(`"%s":%d`, claim, noon.Add(d).Unix()))
	}
	var attacks []attack
	for _, claim := range []string{"nbf", "iat"} {
		attacks = append(attacks,
			attack{claim + " in 61 s", at(claim, 61*time.Second), nil, jwt.Early},
			attack{claim + " next year", at(claim, 365*24*time.Hour), nil, jwt.Early},
			attack{claim + " 2^63-1", swapClaims(fmt.Sprintf(`"%s":%d`, claim, noon.Unix()), `"`+claim+`":9223372036854775807`), nil, jwt.BadClaim},
			attack{claim + " a string", swapClaims(fmt.Sprintf(`"%s":%d`, claim, noon.Unix()), `"`+claim+`":"1"`), nil, jwt.BadClaim},
			attack{claim + " null", swapClaims(fmt.Sprintf(`"%s":%d`, claim, noon.Unix()), `"`+claim+`":null`), nil, jwt.BadClaim})
	}
	key := newKey(t, jwt.ES256)
	refuseAll(t, key, append(attacks,
		attack{"iat absent", swapClaims(fmt.Sprintf(`"iat":%d,`, noon.Unix()), ``), nil, jwt.BadClaim}))

	v := newVerifier(t, config(key.Public()))
	for _, claim := range []string{"nbf", "iat"} {
		f := newForge(t, key)
		at(claim, 60*time.Second)(f)
		if _, why := verifyAt(v, noon, f.text()); why != "" {
			t.Errorf("%s in 60 s, within the skew, is refused: %s", claim, why)
		}
	}
}

func TestA028Audience(t *testing.T) {
	var attacks []attack
	for value, want := range map[string]jwt.Reason{
		`[]`: jwt.BadClaim, `7`: jwt.BadClaim, `null`: jwt.BadClaim, `""`: jwt.BadClaim, `{}`: jwt.BadClaim, `true`: jwt.BadClaim,
		`["https://api.example.com",7]`: jwt.BadClaim, `["https://api.example.com",null]`: jwt.BadClaim,
		`["https://api.example.com",""]`: jwt.BadClaim, `[["https://api.example.com"]]`: jwt.BadClaim,
		`"https://api.example.com/"`: jwt.BadAud, `"https://api.example.co"`: jwt.BadAud, `"https://api.example.com.evil"`: jwt.BadAud,
		`"HTTPS://API.EXAMPLE.COM"`: jwt.BadAud, `"http://api.example.com"`: jwt.BadAud, `" https://api.example.com"`: jwt.BadAud,
		`"https://other.example.com"`: jwt.BadAud, `["https://a.example.com","https://b.example.com"]`: jwt.BadAud, `"*"`: jwt.BadAud,
	} {
		attacks = append(attacks, attack{value, swapClaims(`"https://api.example.com"`, value), nil, want})
	}
	key := newKey(t, jwt.ES256)
	refuseAll(t, key, append(attacks, attack{"absent", swapClaims(`"aud":"https://api.example.com",`, ``), nil, jwt.BadClaim}))

	// RFC 7519 §4.1.3: it is enough that ours is among them.
	f := newForge(t, key)
	swapClaims(`"https://api.example.com"`, `["https://other.example.com","https://api.example.com"]`)(f)
	if _, why := verifyAt(newVerifier(t, config(key.Public())), noon, f.text()); why != "" {
		t.Errorf("a token for two services is refused at ours: %s", why)
	}
}

func TestA029Issuer(t *testing.T) {
	var attacks []attack
	for value, want := range map[string]jwt.Reason{
		`"https://id.example.com/"`: jwt.Issuer, `"https://ID.example.com"`: jwt.Issuer, `"http://id.example.com"`: jwt.Issuer,
		`"https://id.example.com:443"`: jwt.Issuer, `"https://іd.example.com"`: jwt.Issuer, // a Cyrillic і
		`"https://id.example.com "`: jwt.Issuer, `"https://id.example.com\u0000"`: jwt.Issuer, `""`: jwt.Issuer,
		`7`: jwt.BadClaim, `["https://id.example.com"]`: jwt.BadClaim,
	} {
		attacks = append(attacks, attack{value, swapClaims(`"https://id.example.com"`, value), nil, want})
	}
	key := newKey(t, jwt.ES256)
	refuseAll(t, key, append(attacks, attack{"absent", swapClaims(`"iss":"https://id.example.com",`, ``), nil, jwt.Issuer}))

	t.Run("a key of B signs as A", func(t *testing.T) {
		b := newKey(t, jwt.ES256)
		asA := newForge(t, b).text()
		if _, why := verifyAt(newVerifier(t, config(key.Public())), noon, asA); why != jwt.BadKey {
			t.Errorf("at A: reason %q, want key", why)
		}
		cfg := config(b.Public())
		cfg.Issuer = "https://b.example.com"
		if _, why := verifyAt(newVerifier(t, cfg), noon, asA); why != jwt.Issuer {
			t.Errorf("at B: reason %q, want issuer", why)
		}
	})
}

func TestA031Subject(t *testing.T) {
	var attacks []attack
	for _, value := range []string{
		`""`, `1`, `true`, `null`, `["ada"]`, `{}`, `"ada "`, `" ada"`, `"ada\u0000"`, `"a\nda"`, `"\u00a0ada"`, `"ada\u007f"`,
		`"` + strings.Repeat("a", 256) + `"`,
	} {
		attacks = append(attacks,
			attack{"sub " + value[:min(9, len(value))], swapClaims(`"ada"`, value), nil, jwt.BadClaim},
			attack{"jti " + value[:min(9, len(value))], swapClaims(`"j-1"`, value), nil, jwt.BadClaim})
	}
	key := newKey(t, jwt.ES256)
	refuseAll(t, key, append(attacks,
		attack{"sub absent", swapClaims(`"sub":"ada",`, ``), nil, jwt.BadClaim},
		attack{"jti absent", swapClaims(`"jti":"j-1",`, ``), nil, jwt.BadClaim},
		attack{"sid of spaces", swapClaims(`"s-1"`, `" "`), nil, jwt.BadClaim},
		attack{"10 KB", swapClaims(`"ada"`, `"`+strings.Repeat("a", 10_000)+`"`), nil, jwt.Malformed}))
}

// There is no leeway for an exp, so nothing that is expired can be renewed or
// traded in: whoever does so asks Verify first. The refresh itself is tested
// where it lives.
func TestA033NoLeeway(t *testing.T) {
	key := newKey(t, jwt.ES256)
	v := newVerifier(t, config(key.Public()))
	raw, exp := newForge(t, key).text(), access().Expires.Time()
	for _, c := range []struct {
		now  time.Time
		want jwt.Reason
	}{
		{exp.Add(-time.Second), ""}, {exp.Add(-time.Nanosecond), ""}, {exp, jwt.Expired}, {exp.Add(time.Second), jwt.Expired},
		{exp.Add(-time.Nanosecond), ""},
	} {
		if _, why := verifyAt(v, c.now, raw); why != c.want {
			t.Errorf("%v before exp: reason %q, want %q", exp.Sub(c.now), why, c.want)
		}
	}
}

// Scopes are compared where routes are guarded; here a scope keeps its type.
func TestA034ScopeType(t *testing.T) {
	refuseAll(t, newKey(t, jwt.ES256), []attack{
		{"array", swapClaims(`"read write"`, `["read","write"]`), nil, jwt.BadClaim},
		{"number", swapClaims(`"read write"`, `7`), nil, jwt.BadClaim},
		{"object", swapClaims(`"read write"`, `{}`), nil, jwt.BadClaim},
	})
}
