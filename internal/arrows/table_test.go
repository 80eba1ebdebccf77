package arrows

const module = "github.com/jotkeeper/jotkeeper"

// everything is the arrow of a command: it alone wires the rooms together.
const everything = "*"

// A room is one package of the module. Planned marks a room that another
// branch is building: it is accepted only while its directory is absent.
type room struct {
	Dir      string
	Sentence string
	Imports  []string
	Planned  bool
	And      string // why the sentence may say "and": the rule is one verb, one thing
}

var rooms = []room{
	// The verifying half.
	{Dir: ".", Sentence: "Package jotkeeper authenticates net/http requests that carry a session token.",
		Imports: []string{"jwt", "jwks", "revocation", "feed", "binding", "internal/courier", "internal/problem"}},
	{Dir: "jwt", Sentence: "Package jwt is the one door to signed and sealed tokens.",
		And: "one door; the two adjectives name what passes it"},
	{Dir: "jwks", Sentence: "Package jwks holds public keys as a JSON Web Key Set.",
		Imports: []string{"jwt", "internal/courier"}},
	{Dir: "revocation", Sentence: "Package revocation tells whether a verified token has been revoked.",
		Imports: []string{"jwt"}},
	{Dir: "feed", Sentence: "Package feed carries revocation rules over HTTP.",
		Imports: []string{"jwt", "revocation", "internal/courier", "internal/problem"}},
	{Dir: "binding", Sentence: "Package binding ties a token to the browser or key that may present it.",
		Imports: []string{"jwt"}},
	{Dir: "secret", Sentence: "Package secret holds bytes that never print."},

	// The issuing half.
	{Dir: "keyring", Sentence: "Package keyring owns the private signing keys.",
		Imports: []string{"jwt", "jwks", "secret"}},
	{Dir: "session", Sentence: "Package session keeps refreshable sessions.",
		Imports: []string{"jwt", "revocation", "secret"}},
	{Dir: "keeper", Sentence: "Package keeper keeps single-token sessions that renew themselves.",
		Imports: []string{".", "jwt", "revocation", "binding", "internal/problem"}},
	{Dir: "onetime", Sentence: "Package onetime owns single-use tokens scoped to one purpose.",
		Imports: []string{"jwt"}},
	{Dir: "account", Sentence: "Package account owns people's identifiers with their credentials.",
		Imports: []string{"secret"}},

	// Where it is kept.
	{Dir: "store", Sentence: "Package store names what one backend keeps together.",
		Imports: []string{"account", "keeper", "keyring", "onetime", "revocation", "session"}},
	{Dir: "store/memory", Sentence: "Package memory keeps every contract in maps.",
		Imports: []string{"store", "account", "keeper", "keyring", "onetime", "revocation", "session"}},
	{Dir: "store/sqlite", Sentence: "Package sqlite keeps every contract in one SQLite file.",
		Imports: []string{"store", "internal/sqldb"}},
	{Dir: "store/storetest", Sentence: "Package storetest checks that a backend keeps the store contracts.",
		Imports: []string{"store", "account", "keeper", "keyring", "onetime", "revocation", "session"}},
	{Dir: "internal/sqldb", Sentence: "Package sqldb keeps the store contracts in SQL given a dialect.",
		Imports: []string{"store", "account", "keeper", "keyring", "onetime", "revocation", "session"}},

	// The server and its callers.
	{Dir: "api", Sentence: "Package api defines the JSON messages of the auth server."},
	{Dir: "internal/acts", Sentence: "Package acts runs each act that spans rooms as one transaction.",
		Imports: []string{"store", "jwt", "account", "keyring", "onetime", "revocation", "session"}},
	{Dir: "internal/courier", Sentence: "Package courier makes the HTTP clients that ask other servers."},
	{Dir: "internal/problem", Sentence: "Package problem writes every refusal that leaves over HTTP."},
	{Dir: "internal/metrics", Sentence: "Package metrics exports the rooms' counts to Prometheus.",
		Imports: []string{"revocation"}},
	{Dir: "authserver", Sentence: "Package authserver serves accounts and sessions over HTTP.",
		And: "it serves; accounts without sessions would be no product",
		Imports: []string{".", "jwt", "jwks", "account", "session", "keyring", "revocation", "feed", "binding", "api", "web",
			"internal/acts", "internal/problem", "internal/metrics"}}, // never store
	{Dir: "web", Sentence: "Package web embeds the files a browser is served."},
	{Dir: "client", Sentence: "Package client calls the auth server from Go.",
		Imports: []string{"api", "internal/courier"}},
	{Dir: "jotkeepertest", Sentence: "Package jotkeepertest mints tokens for your tests.",
		Imports: []string{".", "jwt", "jwks", "revocation", "binding"}},
	{Dir: "cmd/jotkeeper", Sentence: "Command jotkeeper is the one binary.",
		Imports: []string{everything}},
	{Dir: "examples/facepage", Sentence: "Package facepage plays an application whose pages show what a session is.",
		Imports: []string{".", "jwt", "jwks", "account", "session", "keyring", "onetime", "revocation", "store", "api", "internal/problem"}},
	{Dir: "examples/resource", Sentence: "Command resource is a service that only verifies.",
		Imports: []string{"."}},
	{Dir: "examples/keeper", Sentence: "Command keeper keeps its own sessions in one process.",
		Imports: []string{"account", "jwt", "keeper", "keyring", "secret", "store/sqlite"}},

	// The specification.
	{Dir: "docs/spec/vectors", Sentence: "Package vectors embeds the test vectors of the specification."},
	{Dir: "internal/conformance", Sentence: "Package conformance drives any verifier through the vectors of the specification.",
		Imports: []string{"docs/spec/vectors"}}, // never a room that it judges

	// The house itself.
	{Dir: "internal/arrows", Sentence: "Package arrows tests which room may import which."},
	{Dir: "internal/cable", Sentence: "Package cable carries TCP connections that a test can break."}, // only tests import it
	{Dir: "internal/needs", Sentence: "Package needs skips a test whose tool is missing."},
	{Dir: "internal/seeded", Sentence: "Command seeded proves that each check fails on its seeded bug."},
	{Dir: "internal/shown", Sentence: "Package shown finds exported names that no example shows."}, // only tests import it
	{Dir: "internal/sim", Sentence: "Package sim replays weeks of refreshes in synthetic time.",
		Imports: []string{"jwt", "keeper", "revocation", "secret", "session", "store/memory"}}, // only tests import it
	{Dir: "internal/town", Sentence: "Package town plays the whole system for weeks in synthetic time."}, // nothing but tests
	{Dir: "internal/shellblock", Sentence: "Package shellblock runs the console blocks of a document as a test."},
}

// owners says which rooms may import a third-party module. Tests may import
// any module that is listed here or in testLibraries.
var owners = map[string][]string{
	"github.com/go-jose/go-jose/v4":       {"jwt"},
	"github.com/maypok86/otter/v2":        {"jwt"},
	"github.com/go-json-experiment/json":  {"jwt", "jwks", "feed"},
	"github.com/pressly/goose/v3":         {"internal/sqldb"},
	"modernc.org/sqlite":                  {"store/sqlite"},
	"github.com/prometheus/client_golang": {"internal/metrics"},
	"github.com/spf13/cobra":              {"cmd/jotkeeper"},
	"github.com/goccy/go-yaml":            {"cmd/jotkeeper"},
	"golang.org/x/crypto":                 {"account"},
	"golang.org/x/text":                   {"account"},
}

// testLibraries are for test files only, in every room.
var testLibraries = []string{
	"github.com/anishathalye/porcupine",
	"github.com/chromedp/chromedp",
	"github.com/rogpeppe/go-internal",
	"go.uber.org/goleak",
	"pgregory.net/rapid",
}

// driverless are the rooms that a program embeds without a database.
var driverless = []string{".", "keeper", "client", "jotkeepertest", "examples/resource", "examples/facepage"}

// drivers are the packages that must never be linked into a driverless room.
var drivers = []string{"database/sql", "modernc.org/sqlite", "github.com/pressly/goose/v3"}
