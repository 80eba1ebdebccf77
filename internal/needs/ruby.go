package needs

import (
	"bufio"
	"encoding/json"
	"io"
	"os/exec"
	"sync"
	"testing"
)

// Ruby starts Debian's ruby with its library jwt, once for the test, and returns
// a way to ask it: script sees the arguments of each question as the array a,
// and its value is the answer. A script that fails, fails the test.
func Ruby(t testing.TB, script string) (ask func(args ...string) string) {
	t.Helper()
	ruby := Tool(t, "ruby", "ruby")
	if !hasJWT() {
		Tool(t, "ruby's library jwt", "ruby-jwt") // no program has this name: it says what to install
	}
	cmd := exec.Command(ruby, "-rjwt", "-rjson", "-rbase64", "-rdigest", "-e",
		"def answer(a)\n"+script+"\nend\nSTDOUT.sync = true\nSTDIN.each_line { |l| puts JSON.generate([answer(JSON.parse(l)).to_s]) }")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); _ = cmd.Wait() })
	lines := bufio.NewReader(out)
	return func(args ...string) string {
		t.Helper()
		return question(t, in, lines, args)
	}
}

// question writes one line and reads one.
func question(t testing.TB, in io.Writer, lines *bufio.Reader, args []string) string {
	t.Helper()
	var answer []string
	if err := json.NewEncoder(in).Encode(args); err != nil {
		t.Fatalf("ruby: %v", err)
	}
	line, err := lines.ReadBytes('\n')
	if err != nil || json.Unmarshal(line, &answer) != nil || len(answer) != 1 {
		t.Fatalf("ruby did not answer %q: %s %v", args, line, err)
	}
	return answer[0]
}

var hasJWT = sync.OnceValue(func() bool { return exec.Command("ruby", "-rjwt", "-e", "").Run() == nil })
