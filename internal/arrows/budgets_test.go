package arrows

import (
	"fmt"
	"go/ast"
	"maps"
	"slices"
	"testing"
)

// The budgets of the house, learnt from code bases that are a pleasure to
// read. Most files and functions are far below them.
const (
	maxFileLines = 450
	maxFuncLines = 80
	maxExported  = 25
)

// overBudget argues each exception: the path of a file, "path:Func", or the
// folder of a package, with the reason. An exception that is no longer needed
// fails.
var overBudget = map[string]string{
	"jwt":        "24 reasons and 8 algorithms are closed lists, one constant each; without them it is below 55: keys, a signer and a verifier cannot live apart, since only together they keep that what verifies cannot mint; sealing adds 9 names, its algorithms being words of JOSE and its tokens methods of Signer and Verifier; two read the tokens of a migration",
	"revocation": "six scopes, three actions and the errors are closed lists, one constant each",
	"session":    "the store's contract (Row, Event, Ending, Store and its errors) lives beside the room that owns it",
}

func TestBudgets(t *testing.T) {
	complain(t, checkBudgets(houseSources(t), overBudget))
}

// A measure is one thing that has a budget.
type measure struct {
	What       string // the key of an exception
	Count, Max int
	Unit       string
}

func checkBudgets(all []*source, argued map[string]string) []string {
	var complaints []string
	excused := map[string]bool{}
	for _, m := range measures(all) {
		reason, ok := argued[m.What]
		switch {
		case m.Count <= m.Max:
		case ok && reason != "":
			excused[m.What] = true
		default:
			complaints = append(complaints, fmt.Sprintf("%s: %d %s, the budget is %d (split it, or argue the exception in internal/arrows/budgets_test.go)", m.What, m.Count, m.Unit, m.Max))
		}
	}
	for _, what := range slices.Sorted(maps.Keys(argued)) {
		if !excused[what] {
			complaints = append(complaints, what+": is argued as over budget, but it is not (or gives no reason)")
		}
	}
	return complaints
}

func measures(all []*source) []measure {
	var list []measure
	exported := map[string]int{}
	for _, s := range all {
		if s.Test {
			continue
		}
		list = append(list, measure{s.Path, s.Lines, maxFileLines, "lines"})
		list = append(list, functions(s)...)
		exported[s.Dir] += countExported(s.File)
	}
	for _, dir := range slices.Sorted(maps.Keys(exported)) {
		list = append(list, measure{dir, exported[dir], maxExported, "exported names"})
	}
	return list
}

func functions(s *source) []measure {
	var list []measure
	for _, decl := range s.File.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok {
			lines := s.line(f.End()) - s.line(f.Pos()) + 1
			list = append(list, measure{s.Path + ":" + f.Name.Name, lines, maxFuncLines, "lines"})
		}
	}
	return list
}

// countExported counts what a reader of the package's index meets first:
// functions, types, variables and constants, not methods.
func countExported(f *ast.File) int {
	n := 0
	for _, decl := range f.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil && d.Name.IsExported() {
				n++
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				n += exportedIn(spec)
			}
		}
	}
	return n
}

func exportedIn(spec ast.Spec) int {
	n := 0
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if s.Name.IsExported() {
			n++
		}
	case *ast.ValueSpec:
		for _, id := range s.Names {
			if id.IsExported() {
				n++
			}
		}
	}
	return n
}
