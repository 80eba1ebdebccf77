package main

import (
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

func (p *program) tokenCommand() *cobra.Command {
	return p.group("token", "inspect, verify, sign or seal a token",
		"Looks at tokens without a server. A token is given as an argument (which the process list shows), as a\n"+
			"file, or on stdin with -; a leading \"Bearer \" is passed over.",
		"  jotkeeper token inspect eyJ…\n  jotkeeper token verify --issuer http://127.0.0.1:8080 --audience localhost - < token",
		p.tokenInspectCommand(), p.tokenVerifyCommand(), p.tokenSignCommand(),
		p.tokenSealCommand(), p.tokenOpenCommand())
}

// maxTokenInput bounds what is read as a token: far above any that is
// accepted, so that the refusal speaks of the token and not of the reading.
const maxTokenInput = 1 << 20

// token reads the token that args name: itself, a file, stdin.
func (p *program) token(args []string) (string, error) {
	text := "-"
	if len(args) > 0 {
		text = args[0]
	}
	if text == "-" {
		data, err := io.ReadAll(io.LimitReader(p.stdin, maxTokenInput))
		if err != nil {
			return "", fail(exitOther, "stdin cannot be read: "+cause(err), "jotkeeper token inspect FILE")
		}
		text = string(data)
	} else if f, err := os.Open(text); err == nil {
		defer f.Close()
		data, err := io.ReadAll(io.LimitReader(f, maxTokenInput))
		if err != nil {
			return "", fail(exitOther, text+" cannot be read: "+cause(err), "a file that holds one token")
		}
		text = string(data)
	}
	text = strings.TrimSpace(text)
	if scheme, rest, ok := strings.Cut(text, " "); ok && strings.EqualFold(scheme, "bearer") {
		text = strings.TrimSpace(rest)
	}
	return text, nil
}
