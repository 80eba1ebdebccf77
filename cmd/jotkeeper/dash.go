package main

import (
	"encoding/base64"
	"strings"
)

// idsLast puts arguments that are IDs behind "--". One session or key ID in 64
// begins with a dash, and would be taken for flags when it is pasted.
func idsLast(args []string) []string {
	var words, ids []string
	for i, arg := range args {
		switch {
		case arg == "--":
			return append(append(words, "--"), append(ids, args[i+1:]...)...)
		case i > 0 && args[i-1] == "--session": // the flag's own
			words = append(words, arg)
		case dashedID(arg):
			ids = append(ids, arg)
		default:
			words = append(words, arg)
		}
	}
	if ids == nil {
		return words
	}
	return append(append(words, "--"), ids...)
}

// dashedID tells an ID of 128 bits (a sid, a jti) or of 256 (a kid) from a
// flag: a flag is a word of small letters.
func dashedID(arg string) bool {
	if !strings.HasPrefix(arg, "-") || !strings.ContainsAny(arg, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") {
		return false
	}
	id, err := base64.RawURLEncoding.Strict().DecodeString(arg)
	return err == nil && (len(id) == 16 || len(id) == 32)
}
