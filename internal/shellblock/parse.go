package shellblock

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// A Block is one fenced block that holds commands.
type Block struct {
	Line       int    // of the opening fence, counted from 1
	Background bool   // its last command does not end
	Skip       string // why it is not run, or ""
	Steps      []Step
}

// A Step is one command with what it prints.
type Step struct {
	Line    int
	Command string
	Want    []string
}

// Parse finds the console blocks of a Markdown document.
func Parse(markdown string) ([]Block, error) {
	fences, err := readFences(markdown)
	errs := []error{err}
	var blocks []Block
	for _, f := range fences {
		b, err := f.block()
		errs = append(errs, err)
		if b != nil {
			blocks = append(blocks, *b)
		}
	}
	return blocks, errors.Join(errs...)
}

// A fence is one fenced block of any language.
type fence struct {
	line  int
	lang  string
	mark  string // what the comment above says after "shellblock:"
	lines []string
}

var (
	fenceLine   = regexp.MustCompile("^([ \t]*)(`{3,}|~{3,})[ \t]*([^`]*)$")
	markLine    = regexp.MustCompile(`^\s*<!--\s*shellblock:\s*(.*?)\s*-->\s*$`)
	skipMark    = regexp.MustCompile(`^skip\s+reason="([^"]*\S[^"]*)"$`)
	commentTail = regexp.MustCompile(`[ \t]{2,}#[ \t].*$`)
)

// readFences splits the document by the rules of CommonMark: a fence ends
// with at least as many of the same marks as it began with.
func readFences(markdown string) ([]fence, error) {
	var fences []fence
	var errs []error
	lines := strings.Split(strings.ReplaceAll(markdown, "\r\n", "\n"), "\n")
	mark, markAt := "", 0
	for i := 0; i < len(lines); i++ {
		if m := markLine.FindStringSubmatch(lines[i]); m != nil {
			mark, markAt = m[1], i+1
			continue
		}
		open := fenceLine.FindStringSubmatch(lines[i])
		switch {
		case open != nil:
			f := fence{line: i + 1, lang: language(open[3]), mark: mark}
			mark, i = "", f.read(lines, i+1, open[1], open[2])
			if i == len(lines) {
				errs = append(errs, fmt.Errorf("line %d: the block never ends", f.line))
			}
			fences = append(fences, f)
		case strings.TrimSpace(lines[i]) != "" && mark != "":
			errs = append(errs, fmt.Errorf("line %d: the mark %q belongs directly above a block", markAt, mark))
			mark = ""
		}
	}
	if mark != "" {
		errs = append(errs, fmt.Errorf("line %d: the mark %q belongs directly above a block", markAt, mark))
	}
	return fences, errors.Join(errs...)
}

func language(attributes string) string {
	words := strings.Fields(attributes)
	if len(words) == 0 {
		return ""
	}
	return strings.ToLower(words[0])
}

// read takes the lines up to the closing fence and returns its index, or
// len(lines) when there is none. Lines lose the indentation of the fence.
func (f *fence) read(lines []string, from int, indent, ticks string) int {
	for i := from; i < len(lines); i++ {
		end := strings.TrimSpace(lines[i])
		if len(end) >= len(ticks) && strings.Trim(end, ticks[:1]) == "" {
			return i
		}
		f.lines = append(f.lines, strings.TrimPrefix(lines[i], indent))
	}
	return len(lines)
}

// shells are the languages that look like commands but are not compared with
// anything.
var shells = map[string]bool{"sh": true, "bash": true, "shell": true, "zsh": true, "shell-session": true, "terminal": true}

// block turns a fence into a block to run, or nil for another language.
func (f fence) block() (*Block, error) {
	b := &Block{Line: f.line}
	if err := b.applyMark(f.mark); err != nil {
		return nil, err
	}
	switch {
	case shells[f.lang] && b.Skip == "":
		return nil, fmt.Errorf("line %d: a %s block is never run: use console so that it is tested, or mark it skip with a reason", f.line, f.lang)
	case shells[f.lang]:
		return b, nil
	case f.lang != "console" && f.mark != "":
		return nil, fmt.Errorf("line %d: the mark %q has no console block below it", f.line, f.mark)
	case f.lang != "console":
		return nil, nil
	}
	if err := b.read(f.lines); err != nil {
		return nil, err
	}
	return b, nil
}

func (b *Block) applyMark(mark string) error {
	skip := skipMark.FindStringSubmatch(mark)
	switch {
	case mark == "":
	case mark == "background":
		b.Background = true
	case skip != nil:
		b.Skip = skip[1]
	default:
		return fmt.Errorf("line %d: the mark %q is neither background nor skip reason=\"…\"", b.Line, mark)
	}
	return nil
}

// read splits the lines of a console block into steps.
func (b *Block) read(lines []string) error {
	var last *Step
	for i, line := range lines {
		command, isCommand := strings.CutPrefix(line, "$ ")
		more, isMore := strings.CutPrefix(line+" ", "> ")
		switch {
		case isCommand:
			b.Steps = append(b.Steps, Step{Line: b.Line + 1 + i, Command: withoutComment(command)})
			last = &b.Steps[len(b.Steps)-1]
		case last == nil:
			return fmt.Errorf("line %d: a console block begins with \"$ \" and a command", b.Line+1+i)
		case isMore && len(last.Want) == 0:
			last.Command += "\n" + withoutComment(strings.TrimSuffix(more, " "))
		default:
			last.Want = append(last.Want, line)
		}
	}
	switch {
	case last == nil:
		return fmt.Errorf("line %d: the console block has no command", b.Line)
	case b.Background && len(tidy(last.Want)) == 0:
		return fmt.Errorf("line %d: a background block shows the line that says it is ready", b.Line)
	}
	return nil
}

func withoutComment(command string) string {
	return commentTail.ReplaceAllString(command, "")
}
