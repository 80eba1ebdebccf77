package shown

import (
	"fmt"
	"strings"
	"testing"
)

// What stands in no example is found: not what is only tested, used by a helper,
// or another package's.
func TestWhatNoExampleShows(t *testing.T) {
	got, err := missing("testdata/room")
	if err != nil {
		t.Fatal(err)
	}
	if want := "[Blue Door.Lose ErrLost Helper Lost]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

// A complaints counts what a test is failed with.
type complaints struct {
	testing.TB
	list []string
}

func (c *complaints) Helper() {}
func (c *complaints) Errorf(format string, args ...any) {
	c.list = append(c.list, fmt.Sprintf(format, args...))
}

// The room that is asked is the one whose test asks.
func TestEverythingComplains(t *testing.T) {
	t.Chdir("testdata/room")
	var c complaints
	Everything(&c)
	if len(c.list) != 5 || c.list[0] != "no example shows Blue" {
		t.Errorf("it says %s", strings.Join(c.list, "; "))
	}
}
