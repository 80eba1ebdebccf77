package binding_test

import (
	"strings"
	"testing"

	"github.com/jotkeeper/jotkeeper/binding"
)

// What is taken for a lock is the one spelling of it.
func FuzzParseLock(f *testing.F) {
	for _, text := range []string{"", "x", strings.Repeat("A", 43), strings.Repeat("A", 42) + "B", strings.Repeat("_", 42) + "8", strings.Repeat("A", 42) + "\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		lock, err := binding.ParseLock(text)
		if err != nil {
			return
		}
		if again := lock.Cookie("s-1", noon).Value; again != text {
			t.Errorf("%q is %q", text, again)
		}
	})
}
