package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// The exit codes. They are public: scripts branch on them, so a number never
// changes its meaning.
const (
	exitOK        = 0
	exitOther     = 1
	exitUsage     = 2
	exitMalformed = 3
	exitSignature = 4
	exitClaims    = 5
	exitRevoked   = 6
	exitOutside   = 7
	exitConfig    = 8
)

// exitCodes says what each means, in order, for help and the reference page.
var exitCodes = []struct {
	Code    int
	Meaning string
}{
	{exitOK, "it worked"},
	{exitOther, "it did not, for a reason that has no code of its own"},
	{exitUsage, "the command line is not understood"},
	{exitMalformed, "the token is not a token: malformed"},
	{exitSignature, "the token's header, key or signature does not hold"},
	{exitClaims, "the token is genuine, its claims are refused (expired, audience, issuer, kind, …)"},
	{exitRevoked, "the token is genuine, and revoked"},
	{exitOutside, "network or store: unreachable, in use, locked, full"},
	{exitConfig, "configuration: a setting, a file or its permissions"},
}

// A fault is an error for the person at the terminal: a sentence, the remedies
// to try, the exit code.
type fault struct {
	Code int
	Text string
	Try  []string // commands or actions, each on a line of its own
	Err  error    // the cause, for errors.Is
}

func (f *fault) Error() string { return f.Text }
func (f *fault) Unwrap() error { return f.Err }

// fail makes a fault with its remedies.
func fail(code int, text string, try ...string) *fault {
	return &fault{Code: code, Text: text, Try: try}
}

// usage is a command line that is not understood.
func usage(format string, args ...any) *fault {
	return fail(exitUsage, fmt.Sprintf(format, args...))
}

// errSilent ends a command with a code when its output has said everything.
type errSilent int

func (e errSilent) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// report writes an error the way every command does and returns its exit code.
func report(w io.Writer, err error) int {
	var silent errSilent
	var f *fault
	var wrong *wrongSettings
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &silent):
		return int(silent)
	case errors.As(err, &wrong):
		fmt.Fprint(w, "jotkeeper: "+wrong.Error()+"\n")
		return exitConfig
	case errors.As(err, &f):
		fmt.Fprintf(w, "jotkeeper: %s\n", f.Text)
		for _, t := range f.Try {
			fmt.Fprintf(w, "  try: %s\n", t)
		}
		return f.Code
	}
	fmt.Fprintf(w, "jotkeeper: %s\n", strings.TrimSpace(err.Error()))
	return exitOther
}
