// Package needs skips a test whose tool is missing.
//
// It is the one place of the repository that may skip a test. On a
// developer's machine a missing tool skips the suite aloud, with the remedy;
// under CI=true nothing is skipped and the test fails instead. It refuses to
// install anything, and to skip without a word.
package needs

import (
	"os"
	"os/exec"
	"testing"
)

// Tool returns the path of the program called name. Where it is missing the
// test is skipped, or failed when the environment says CI=true. The package is
// the Debian package that brings the program.
func Tool(t testing.TB, name, debianPackage string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing, and CI skips nothing: install %s", name, debianPackage)
	}
	t.Skipf("%s is missing: apt-get install %s", name, debianPackage)
	return ""
}
