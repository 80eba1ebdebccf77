package jwt_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/jotkeeper/jotkeeper/jwt"
)

const sessionVectorFile = "../docs/spec/vectors/session-token.json"

// session are the claims of a good keeper token at noon, of a session that was
// renewed once.
func session() *jwt.Session {
	return &jwt.Session{
		Registered: registered(), Scope: "read write", Version: "7", Absolute: jwt.TimeOf(noon) + 3600,
		Renews: "j-0", Revision: "3:7", CSRF: "c-1",
	}
}

func newSessionForge(t testing.TB, key *jwt.PrivateKey) *forge {
	f := newForge(t, key)
	f.header = mustReplace(f.header, "at+jwt", "session+jwt")
	f.claims = mustJSON(t, session())
	return f
}

// acceptedSessions are good tokens, each another one.
func acceptedSessions() []vector {
	exp, sxp := fmt.Sprintf(`"exp":%d`, session().Expires), int64(session().Absolute)
	return []vector{
		{"as it was signed", "the issuer's own token", nil, nil, ""},
		{"never renewed", "prv is there after a renewal", swapClaims(`"prv":"j-0",`, ``), nil, ""},
		{"without versions", "ver is there when there are versions", swapClaims(`"ver":"7",`, ``), nil, ""},
		{"without csrf", "only if the program asks for it", swapClaims(`,"csrf":"c-1"`, ``), nil, ""},
		{"a claim of the application", "other names are the application's own", beside(`"plan":"pro"`), nil, ""},
		{"rev that is no cursor", "not refused: it counts as 0:0 when rules are asked", swapClaims(`"3:7"`, `"yesterday"`), nil, ""},
		{"sxp in a second", "good up to the last", sxpTo(fmt.Sprint(noon.Unix() + 1)), nil, ""},
		{"exp together with sxp", "exp is not later", swapClaims(exp, fmt.Sprintf(`"exp":%d`, sxp)), nil, ""},
	}
}

// refusedSessions are refused by whoever verifies them as an access token with a
// typ of its own.
func refusedSessions(t testing.TB) []vector {
	exp, sxp := fmt.Sprintf(`"exp":%d`, session().Expires), int64(session().Absolute)
	list := []vector{
		{"typ at+jwt", "an access token's header, over the claims of a session", swapHeader(`"session+jwt"`, `"at+jwt"`), nil, jwt.Header},
		{"an access token", "another kind of token", func(f *forge) { *f = *newForge(t, f.key); f.sign = signFixed(t, f.key) }, nil, jwt.Header},
		{"typ JWT", "another kind of token", swapHeader(`"session+jwt"`, `"JWT"`), nil, jwt.Header},
		{"typ SESSION+JWT", "not the spelling of the profile", swapHeader(`"session+jwt"`, `"SESSION+JWT"`), nil, jwt.Header},
		{"typ missing", "three members, all of them", swapHeader(`,"typ":"session+jwt"`, ``), nil, jwt.Header},
		{"kid unknown", "fetch the issuer's keys, once", func(f *forge) { f.header = mustReplace(f.header, f.key.ID(), "nobody") }, nil, jwt.BadKey},
		{"signature of zeros", "no signature at all", resigned(zeros), nil, jwt.Signature},
		{"exp at this very second", "no leeway, however long the session goes on", swapClaims(exp, fmt.Sprintf(`"exp":%d`, noon.Unix())), nil, jwt.Expired},
		{"another audience", "a token for another service", swapClaims(`"https://api.example.com"`, `"https://other.example.com"`), nil, jwt.BadAud},
		{"another issuer", "compared byte for byte", swapClaims(`"https://id.example.com"`, `"https://other.example.com"`), nil, jwt.Issuer},
		{"sxp twice", "no name twice", beside(fmt.Sprintf(`"sxp":%d`, sxp+1)), nil, jwt.BadClaim},
	}
	for _, text := range []string{fmt.Sprintf(`"%d"`, sxp), fmt.Sprintf(`%d.5`, sxp), fmt.Sprintf(`-%d`, sxp), `0`, `null`, `253402300800`} {
		list = append(list, vector{"sxp " + text, "an integer of seconds, from 1 to 253402300799", sxpTo(text), nil, jwt.BadClaim})
	}
	for _, claim := range []struct{ name, value string }{{"sid", "s-1"}, {"ver", "7"}, {"prv", "j-0"}, {"rev", "3:7"}, {"csrf", "c-1"}} {
		for _, value := range []string{`7`, `null`} {
			change := swapClaims(fmt.Sprintf(`"%s":"%s"`, claim.name, claim.value), fmt.Sprintf(`"%s":%s`, claim.name, value))
			list = append(list, vector{claim.name + " " + value, "a string", change, nil, jwt.BadClaim})
		}
	}
	return list
}

// keepersSessions are refused for what is asked of keeper tokens alone.
func keepersSessions() []vector {
	const always, closed, demand = "always there", "when the session ends, no token of it is good", "a demand on the bearer that is not kept here"
	return []vector{
		{"sid absent", always, swapClaims(`"sid":"s-1",`, ``), nil, jwt.BadClaim},
		{"sid empty", "1 to 255 bytes", swapClaims(`"s-1"`, `""`), nil, jwt.BadClaim},
		{"sxp absent", always, swapClaims(fmt.Sprintf(`"sxp":%d,`, session().Absolute), ``), nil, jwt.BadClaim},
		{"SXP for sxp", "names are compared with their case", swapClaims(`"sxp"`, `"SXP"`), nil, jwt.BadClaim},
		{"rev absent", always, swapClaims(`"rev":"3:7",`, ``), nil, jwt.BadClaim},
		{"rev empty", "a cursor, and always there", swapClaims(`"3:7"`, `""`), nil, jwt.BadClaim},
		{"sxp at this very second", closed, sxpTo(fmt.Sprint(noon.Unix())), nil, jwt.Absolute},
		{"sxp a second ago", closed, sxpTo(fmt.Sprint(noon.Unix() - 1)), nil, jwt.Absolute},
		{"sxp in 1970", closed, sxpTo("1"), nil, jwt.Absolute},
		{"cnf with a lock", demand, beside(`"cnf":{"lck":"x"}`), nil, jwt.Binding},
		{"cnf with a key", demand, beside(`"cnf":{"jkt":"x"}`), nil, jwt.Binding},
		{"cnf with nothing", demand, beside(`"cnf":{}`), nil, jwt.Binding},
	}
}

func sxpTo(text string) func(*forge) {
	return swapClaims(fmt.Sprintf(`"sxp":%d`, session().Absolute), `"sxp":`+text)
}

func beside(member string) func(*forge) { return swapClaims(`"c-1"}`, `"c-1",`+member+`}`) }

// The file of keeper tokens is what this table makes. What is a keeper's to ask,
// room keeper asks of the same file.
func TestSessionVectorsOfTheSpecification(t *testing.T) {
	keys := newSpecKeys(t)
	good := func() *forge { return newSessionForge(t, keys.es) }
	ours := entries(t, keys.es, good, slices.Concat(acceptedSessions(), refusedSessions(t)))
	keepers := entries(t, keys.es, good, keepersSessions())
	book := vectorBook{
		About:  "Keeper tokens of docs/spec/token-profile.md, each the good one with one change. reason: why it is refused; empty: it is accepted. Made by: go test ./jwt -run Vectors -update",
		Issuer: issuer, Audience: audience, Now: noon.Unix(), Keys: setOf(t, keys.es), Claims: []byte(mustJSON(t, session())), Tokens: slices.Concat(ours, keepers),
	}
	sameAsKept(t, sessionVectorFile, book)
	v, err := jwt.NewVerifier[jwt.Session](config(keys.es.Public()))
	if err != nil {
		t.Fatal(err)
	}
	checkVectors(t, book, func(c vectorToken) jwt.Reason {
		_, why := verifyAt(v, noon, c.Token)
		if why == "" && slices.Contains(keepers, c) {
			return c.Reason
		}
		return why
	})
}
