package shellblock

import (
	"reflect"
	"strings"
	"testing"
)

// doc writes ”' for the fences, which a Go string cannot hold.
func doc(text string) string {
	return strings.ReplaceAll(text, "'''", "```")
}

func TestParse(t *testing.T) {
	got, err := Parse(doc(`# Title

'''console
$ echo one  # says one
one
$ cat <<END | \  # two
>   wc -l
> b
>
> END
3
> not a continuation
'''

'''json
{"$ no": "command"}
'''

1. In a list:

   '''console
   $ echo "a # b"
   a # b

   c
   '''

~~~~console title="x"
$ echo three
'''
~~~~

<!-- shellblock: background -->
'''console
$ serve
ready
'''

<!-- shellblock: skip reason="needs a mail server" -->

'''bash
mail ann
'''

'''console
'''
`))
	want := []Block{
		{Line: 3, Steps: []Step{
			{Line: 4, Command: "echo one", Want: []string{"one"}},
			{Line: 6, Command: "cat <<END | \\\n  wc -l\nb\n\nEND", Want: []string{"3", "> not a continuation"}},
		}},
		{Line: 21, Steps: []Step{{Line: 22, Command: `echo "a # b"`, Want: []string{"a # b", "", "c"}}}},
		{Line: 28, Steps: []Step{{Line: 29, Command: "echo three", Want: []string{"```"}}}},
		{Line: 34, Background: true, Steps: []Step{{Line: 35, Command: "serve", Want: []string{"ready"}}}},
		{Line: 41, Skip: "needs a mail server"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("blocks:\n%+v\nwant:\n%+v", got, want)
	}
	if err == nil || err.Error() != "line 45: the console block has no command" {
		t.Errorf("error: %v, want one about the empty block of line 45", err)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a block of sh", "'''sh\nls\n'''", "line 1: a sh block is never run: use console"},
		{"a skip without a reason", "<!-- shellblock: skip -->\n'''sh\nls\n'''", `line 2: the mark "skip" is neither`},
		{"an empty reason", "<!-- shellblock: skip reason=\" \" -->\n'''console\n$ ls\n'''", "is neither"},
		{"a background of sh", "<!-- shellblock: background -->\n'''sh\nserve\n'''", "line 2: a sh block is never run"},
		{"a mark over prose", "<!-- shellblock: background -->\nText.\n", `line 1: the mark "background" belongs directly above`},
		{"a mark at the end", "<!-- shellblock: background -->\n", `line 1: the mark "background" belongs directly above`},
		{"a mark over another language", "<!-- shellblock: background -->\n'''json\n{}\n'''", "has no console block below it"},
		{"output without a command", "'''console\nhello\n'''", `line 2: a console block begins with "$ "`},
		{"no command", "'''console\n'''", "line 1: the console block has no command"},
		{"no end", "Text.\n'''console\n$ ls\n", "line 2: the block never ends"},
		{"a background that says nothing", "<!-- shellblock: background -->\n'''console\n$ serve\n'''",
			"line 2: a background block shows the line that says it is ready"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(doc(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error: %v, want %s", err, c.want)
			}
		})
	}
}

// A document that shows how to write a console block does not run it.
func TestParseLeavesExamplesAlone(t *testing.T) {
	got, err := Parse(doc("~~~~markdown\n'''console\n$ ls\n'''\n~~~~\n"))
	if len(got) != 0 || err != nil {
		t.Errorf("blocks %+v, error %v", got, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(doc("'''console\n$ a\n> b\nc\n'''\n"))
	f.Add(doc("<!-- shellblock: background -->\n'''console\n$ a\n…\n'''\n"))
	f.Add("~~~sh\nls\n")
	f.Fuzz(func(t *testing.T, text string) {
		blocks, err := Parse(text)
		if err != nil {
			return
		}
		lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
		for _, b := range blocks {
			if b.Skip == "" && len(b.Steps) == 0 {
				t.Errorf("line %d: a block without a command was let through", b.Line)
			}
			for _, s := range b.Steps {
				first, _, _ := strings.Cut(s.Command, "\n")
				if !strings.Contains(lines[s.Line-1], "$ "+first) {
					t.Errorf("line %d is %q, not the command %q", s.Line, lines[s.Line-1], first)
				}
			}
		}
	})
}
