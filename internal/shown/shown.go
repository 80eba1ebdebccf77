// Package shown finds exported names that no example shows.
//
// A name that nobody was seen to use is looked up in the source. A room calls
// Everything in a test of its own; it fails for each function, type, variable,
// constant and method of the room that appears in none of the room's Example
// functions, in their bodies or in their names. Fields of structs and methods of
// interfaces are not looked for, nor is what only the standard library calls
// (String, MarshalJSON and their like).
//
// It goes by names, not by types: an example that calls a method of this name on
// another type counts.
package shown

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Everything fails t for each name of the package in the working directory, which
// is where go test runs a package's tests, that no example shows.
func Everything(t testing.TB) {
	t.Helper()
	names, err := missing(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		t.Errorf("no example shows %s", name)
	}
}

// missing returns what no example of the package in dir shows, in order.
func missing(dir string) ([]string, error) {
	room, examples, err := read(dir)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, e := range examples {
		look(e, room.Name, seen)
	}
	var list []string
	for name, members := range exported(room) {
		if !slices.ContainsFunc(append(members, name), func(n string) bool { return seen[n] || seen[method(n)] }) {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list, nil
}

// read parses the package in dir and its examples.
func read(dir string) (*doc.Package, []*doc.Example, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, nil, err
	}
	var sources, tests []*ast.File
	fset := token.NewFileSet()
	for _, path := range paths {
		f, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		switch {
		case err != nil:
			return nil, nil, err
		case strings.HasSuffix(path, "_test.go"):
			tests = append(tests, f)
		default:
			sources = append(sources, f)
		}
	}
	room, err := doc.NewFromFiles(fset, sources, "")
	return room, doc.Examples(tests...), err
}

// exported returns the names of a package, each with what shows it too: a type
// is shown by its functions, methods and values.
func exported(room *doc.Package) map[string][]string {
	names := map[string][]string{}
	add := func(list ...string) []string {
		for _, name := range list {
			names[name] = nil
		}
		return list
	}
	add(functions("", room.Funcs)...)
	add(values(room.Consts, room.Vars)...)
	for _, typ := range room.Types {
		members := add(functions(typ.Name+".", typ.Methods)...)
		members = append(members, add(functions("", typ.Funcs)...)...)
		names[typ.Name] = append(members, add(values(typ.Consts, typ.Vars)...)...)
	}
	return names
}

func values(groups ...[]*doc.Value) (names []string) {
	for _, v := range slices.Concat(groups...) {
		names = append(names, slices.DeleteFunc(slices.Clone(v.Names), unexported)...)
	}
	return names
}

func unexported(name string) bool { return !token.IsExported(name) }

// called are methods that others call: fmt, errors, encoding/json, log/slog.
var called = []string{"Error", "Format", "GoString", "LogValue", "MarshalJSON", "String", "UnmarshalJSON", "Unwrap"}

func functions(of string, list []*doc.Func) (names []string) {
	for _, f := range list {
		if of == "" || !slices.Contains(called, f.Name) {
			names = append(names, of+f.Name)
		}
	}
	return names
}

// look notes what an example shows: what its name says it is of, and what its
// body uses.
func look(e *doc.Example, room string, seen map[string]bool) {
	parts := strings.Split(e.Name, "_")
	seen[parts[0]] = true
	if len(parts) > 1 {
		seen[parts[0]+"."+parts[1]] = true
	}
	ast.Inspect(e.Code, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			seen[used(s, room)] = true
		}
		return true
	})
}

// used is "Name" of the room's own, ".Method" of any value.
func used(s *ast.SelectorExpr, room string) string {
	if x, ok := s.X.(*ast.Ident); ok && x.Name == room {
		return s.Sel.Name
	}
	return "." + s.Sel.Name
}

// method is ".Method" of "Type.Method", and any other name as it is.
func method(name string) string { return name[max(0, strings.IndexByte(name, '.')):] }
