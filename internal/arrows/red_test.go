package arrows

import (
	"strings"
	"testing"
	"testing/fstest"
)

// The house of these cases has a gate, a lamp that the gate may light, and a
// library that belongs to the lamp.
var smallHouse = house{
	Rooms: []room{
		{Dir: "gate", Sentence: "Package gate lets people in.", Imports: []string{"lamp"}},
		{Dir: "lamp", Sentence: "Package lamp gives light."},
	},
	Owners:        map[string][]string{"example.org/oil/v2": {"lamp"}},
	TestLibraries: []string{"example.org/quick"},
}

const (
	gateDoc = "// Package gate lets people in. Slowly.\npackage gate\n"
	lampDoc = "// Package lamp gives light.\npackage lamp\n"
)

func parseAll(t *testing.T, files map[string]string) []*source {
	t.Helper()
	fsys := fstest.MapFS{}
	for path, text := range files {
		fsys[path] = &fstest.MapFile{Data: []byte(text)}
	}
	all, err := readSources(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// expect demands exactly the one complaint, or none when want is "".
func expect(t *testing.T, got []string, want string) {
	t.Helper()
	switch {
	case want == "" && len(got) == 0:
	case want != "" && len(got) == 1 && strings.Contains(got[0], want):
	default:
		t.Errorf("complaints:\n%s\nwant: %s", strings.Join(got, "\n"), want)
	}
}

func TestArrowsGoRed(t *testing.T) {
	for _, c := range []struct {
		name, path, text, want string
	}{
		{"an arrow of the table", "gate/in.go", `package gate; import _ "` + module + `/lamp"`, ""},
		{"an arrow backwards", "lamp/in.go", `package lamp; import _ "` + module + `/gate"`,
			"lamp/in.go: no arrow lamp → gate"},
		{"an arrow to the root", "lamp/in.go", `package lamp; import _ "` + module + `"`,
			"lamp/in.go: no arrow lamp → jotkeeper"},
		{"a test may look further", "lamp/in_test.go", `package lamp_test; import _ "` + module + `/gate"`, ""},
		{"a library of the room", "lamp/in.go", `package lamp; import _ "example.org/oil/v2/can"`, ""},
		{"a library of another room", "gate/in.go", `package gate; import _ "example.org/oil/v2"`,
			"gate/in.go: imports example.org/oil/v2, which belongs to lamp"},
		{"a library with a name that begins the same", "lamp/in.go", `package lamp; import _ "example.org/oil/v20"`,
			"lamp/in.go: imports example.org/oil/v20, which no room owns"},
		{"an unknown library in a test", "gate/in_test.go", `package gate; import _ "example.org/assert"`,
			"gate/in_test.go: imports example.org/assert, which no room owns"},
		{"a test library in a test", "gate/in_test.go", `package gate; import _ "example.org/quick/gen"`, ""},
		{"a test library outside a test", "gate/in.go", `package gate; import _ "example.org/quick"`,
			"gate/in.go: imports example.org/quick, which is for tests"},
		{"a room without a line", "cellar/in.go", "package cellar", "cellar: is not in the table"},
		{"a module of its own", "bench/go.mod", "module bench", ""},
		{"testdata", "gate/testdata/in.go", `package x; import _ "example.org/assert"`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := map[string]string{"gate/doc.go": gateDoc, "lamp/doc.go": lampDoc, c.path: c.text}
			if c.path == "bench/go.mod" {
				files["bench/bench.go"] = `package bench; import _ "example.org/assert"`
			}
			expect(t, smallHouse.check(parseAll(t, files)), c.want)
		})
	}
}

func TestSentencesGoRed(t *testing.T) {
	for _, c := range []struct {
		name, text, want string
		change           func(*room)
	}{
		{"another sentence", "// Package lamp burns oil.\npackage lamp", "package: Package lamp burns oil.", nil},
		{"no sentence", "package lamp", "lamp: its sentence differs", nil},
		{"an and", "// Package lamp gives light and warmth.\npackage lamp", `lamp: its sentence says "and"`,
			func(r *room) { r.Sentence = "Package lamp gives light and warmth." }},
		{"an argued and", "// Package lamp gives light and warmth.\npackage lamp", "",
			func(r *room) { r.Sentence, r.And = "Package lamp gives light and warmth.", "fire is both" }},
		{"an excuse without an and", lampDoc, `lamp: excuses an "and"`, func(r *room) { r.And = "fire is both" }},
		{"a planned room that exists", lampDoc, "lamp: exists; remove Planned", func(r *room) { r.Planned = true }},
		{"an arrow to nowhere", lampDoc, "lamp: has an arrow to attic", func(r *room) { r.Imports = []string{"attic"} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := smallHouse
			h.Rooms = append([]room{}, h.Rooms...)
			if c.change != nil {
				c.change(&h.Rooms[1])
			}
			files := map[string]string{"gate/doc.go": gateDoc, "lamp/doc.go": c.text}
			expect(t, h.check(parseAll(t, files)), c.want)
		})
	}
}

func TestEmptyRooms(t *testing.T) {
	onlyGate := parseAll(t, map[string]string{"gate/doc.go": gateDoc})
	expect(t, smallHouse.check(onlyGate), "lamp: has no Go file")

	h := smallHouse
	h.Rooms = append([]room{}, h.Rooms...)
	h.Rooms[1].Planned = true
	expect(t, h.check(onlyGate), "")
}

func TestLinkedDriverGoesRed(t *testing.T) {
	expect(t, linked(".", []string{"net/http", "modernc.org/sqlite/lib"}),
		"jotkeeper: links the database driver modernc.org/sqlite/lib")
	expect(t, linked(".", []string{"net/http", "modernc.org/sqlitefree"}), "")
}

func TestBudgetsGoRed(t *testing.T) {
	long := strings.Repeat("\n", maxFuncLines)
	wide := "package gate\nvar X" + strings.Repeat(", X", maxExported) + " int"
	for _, c := range []struct {
		name, path, text, argued, want string
	}{
		{"a short file", "gate/in.go", "package gate\nfunc in() {}\n", "", ""},
		{"a long file", "gate/in.go", "package gate" + strings.Repeat("\n", maxFileLines+1), "",
			"gate/in.go: 451 lines, the budget is 450"},
		{"a long test", "gate/in_test.go", "package gate" + strings.Repeat("\n", maxFileLines+1), "", ""},
		{"a long function", "gate/in.go", "package gate\nfunc in() {" + long + "}\n", "",
			"gate/in.go:in: 81 lines, the budget is 80"},
		{"an argued function", "gate/in.go", "package gate\nfunc in() {" + long + "}\n", "gate/in.go:in", ""},
		{"too many names", "gate/in.go", wide, "", "gate: 26 exported names, the budget is 25"},
		{"methods and small letters are free", "gate/in.go",
			"package gate\ntype T int\nfunc (T) M() {}\nfunc f() {}\nconst c = 1\n", "", ""},
		{"an exception that nobody needs", "gate/in.go", "package gate\n", "gate/in.go",
			"gate/in.go: is argued as over budget, but it is not"},
	} {
		t.Run(c.name, func(t *testing.T) {
			argued := map[string]string{}
			if c.argued != "" {
				argued[c.argued] = "the stairs are one thing"
			}
			expect(t, checkBudgets(parseAll(t, map[string]string{c.path: c.text}), argued), c.want)
		})
	}
}

func TestHabitsGoRed(t *testing.T) {
	for _, c := range []struct {
		name, path, text, want string
	}{
		{"a sleeping test", "gate/in_test.go", "package gate\nimport \"time\"\nfunc f() {\n\ttime.Sleep(1)\n}\n",
			"gate/in_test.go:4: sleeps"},
		{"a sleep in a bubble", "gate/in_test.go", "package gate\nimport (\n\t\"time\"\n\t\"testing/synctest\"\n)\nfunc f() { synctest.Test(nil, func() { time.Sleep(1) }) }\n", ""},
		{"code may sleep", "gate/in.go", "package gate\nimport \"time\"\nfunc f() { time.Sleep(1) }\n", ""},
		{"an argued sleeper", "gate/argued_test.go", "package gate\nimport \"time\"\nfunc f() { time.Sleep(1) }\n", ""},
		{"a skipping test", "gate/in_test.go", "package gate\nfunc f(t *testing.T) { t.Skip() }\n",
			"gate/in_test.go:2: skips; use internal/needs"},
		{"a skipping suite", "gate/in.go", "package gate\nfunc f(tb testing.TB) { tb.Skipf(``) }\n",
			"gate/in.go:2: skips"},
		{"the skipper", "internal/needs/in.go", "package needs\nfunc f(tb testing.TB) { tb.Skipf(``) }\n", ""},
		{"a discarded property", "gate/in_test.go", "package gate\nfunc f(t *testing.T, rt *rapid.T) { rt.Skip() }\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			argued := map[string]string{"gate/argued_test.go": "the clock of the driver is real"}
			expect(t, checkHabits(parseAll(t, map[string]string{c.path: c.text}), argued), c.want)
		})
	}
}
