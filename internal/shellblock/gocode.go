package shellblock

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// packageClause finds a Go block that is a whole file: comments may stand
// above its package clause.
var packageClause = regexp.MustCompile(`^(?:\s|//[^\n]*\n)*package (\w+)`)

// CompileGo compiles the Go blocks of the Markdown document at path that are
// whole files, each as a package of the module the document belongs to, and
// returns what came out: a package main is a program to run. In the sources each
// old word of replace gives way to the new one behind it, such as a port. Blocks
// without a package clause are fragments and are left alone.
func CompileGo(t testing.TB, path string, replace ...string) (programs []string) {
	t.Helper()
	root, err := moduleRoot(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fencesOf(t, path) {
		source := strings.NewReplacer(replace...).Replace(strings.Join(f.lines, "\n") + "\n")
		clause := packageClause.FindStringSubmatch(source)
		if f.lang != "go" || clause == nil {
			continue
		}
		program := filepath.Join(t.TempDir(), "program")
		if out, err := compile(root, program, source, clause[1]); err != nil {
			t.Errorf("%s:%d: the program does not compile: %v\n%s", path, f.line, err, out)
		}
		programs = append(programs, program)
	}
	return programs
}

func fencesOf(t testing.TB, path string) []fence {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	fences, err := readFences(string(text))
	if err != nil {
		t.Fatalf("%s:\n%v", path, err)
	}
	return fences
}

// compile builds the source in a folder of the module that exists in an
// overlay only, so that it may import internal packages and leaves nothing
// behind.
func compile(root, program, source, pkg string) ([]byte, error) {
	const place = "shellblock_program"
	folder := filepath.Dir(program)
	name, args := "program.go", []string{"build"}
	if strings.HasSuffix(pkg, "_test") || strings.Contains(source, "\"testing\"\n") {
		name, args = "program_test.go", []string{"test", "-c", "-vet=off"}
	}
	file, overlay := filepath.Join(folder, name), filepath.Join(folder, "overlay.json")
	text, err := json.Marshal(map[string]map[string]string{
		"Replace": {filepath.Join(root, place, name): file},
	})
	if err != nil {
		return nil, err
	}
	for path, content := range map[string][]byte{file: []byte(source), overlay: text} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return nil, err
		}
	}
	build := exec.Command("go", append(args, "-overlay="+overlay, "-o", program, "./"+place)...)
	build.Dir = root
	return build.CombinedOutput()
}
