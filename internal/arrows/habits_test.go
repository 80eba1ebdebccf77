package arrows

import (
	"fmt"
	"go/ast"
	"slices"
	"testing"
)

// sleepers argues each test file that may call time.Sleep. A test that sleeps
// is slow when it passes and wrong when the machine is busy: timers are tested
// in a testing/synctest bubble, events are waited for.
var sleepers = map[string]string{}

// skipper is the room that alone may skip a test.
const skipper = "internal/needs"

func TestHabits(t *testing.T) {
	complain(t, checkHabits(houseSources(t), sleepers))
}

func checkHabits(all []*source, argued map[string]string) []string {
	var complaints []string
	for _, s := range all {
		if s.Test && argued[s.Path] == "" {
			complaints = append(complaints, sleeps(s)...)
		}
		if s.Dir != skipper {
			complaints = append(complaints, skips(s)...)
		}
	}
	return complaints
}

func sleeps(s *source) []string {
	return calls(s, func(on, method string) string {
		switch on + "." + method {
		case "synctest.Test":
			return bubble
		case "time.Sleep":
			return "sleeps; wait for the event, or use testing/synctest"
		}
		return ""
	})
}

// bubble is the verdict on a call that is not looked into: time there is not
// the clock's, and a sleep costs nothing.
const bubble = "bubble"

// skips finds calls on a value of the testing package. A property of rapid
// may discard a case, so its own Skip is left alone where its parameter has a
// name of its own.
func skips(s *source) []string {
	testers := testerNames(s.File)
	return calls(s, func(on, method string) string {
		if testers[on] && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, method) {
			return "skips; use internal/needs, which fails in CI"
		}
		return ""
	})
}

// calls walks the calls x.Method(…) of the file and reports what judge says.
func calls(s *source, judge func(on, method string) string) []string {
	var complaints []string
	ast.Inspect(s.File, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		on, method := selector(call.Fun)
		switch verdict := judge(on, method); verdict {
		case "":
		case bubble:
			return false
		default:
			complaints = append(complaints, fmt.Sprintf("%s:%d: %s", s.Path, s.line(call.Pos()), verdict))
		}
		return true
	})
	return complaints
}

// testerNames are the parameters declared as *testing.T and its relatives.
func testerNames(f *ast.File) map[string]bool {
	names := map[string]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		field, ok := n.(*ast.Field)
		if !ok {
			return true
		}
		of := field.Type
		if star, ok := of.(*ast.StarExpr); ok {
			of = star.X
		}
		if pkg, typ := selector(of); pkg == "testing" && slices.Contains([]string{"T", "B", "F", "TB"}, typ) {
			for _, id := range field.Names {
				names[id.Name] = true
			}
		}
		return true
	})
	return names
}

// selector splits x.Name; both are "" for any other expression.
func selector(e ast.Expr) (x, name string) {
	sel, ok := e.(*ast.SelectorExpr)
	if !ok {
		return "", ""
	}
	id, ok := sel.X.(*ast.Ident)
	if !ok {
		return "", ""
	}
	return id.Name, sel.Sel.Name
}
