package web_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/jotkeeper/jotkeeper/web"
)

var remark = regexp.MustCompile(`(?m)^\s*//.*\n|; // .*$|^\n`)

// A page pays for what it loads, not for what we explain.
func TestScriptIsSmall(t *testing.T) {
	const most = 6 << 10
	if code := remark.ReplaceAllString(string(web.Script()), ""); len(code) > most || len(code) < most/2 {
		t.Errorf("%d bytes of code, at most %d", len(code), most)
	}
}

// It loads nothing else, keeps nothing where the next visit finds it, and
// runs no text as code.
func TestScriptStandsAlone(t *testing.T) {
	for _, word := range []string{"import ", "import(", "require(", "localStorage", "sessionStorage", "document.cookie", "eval(", "innerHTML"} {
		if strings.Contains(string(web.Script()), word) {
			t.Errorf("jotkeeper.js says %s", word)
		}
	}
}
