// Package vectors embeds the test vectors of the specification.
//
// The files beside it are for programs in any language, and their only place.
// They are embedded so that one binary can drive an implementation through them.
package vectors

import "embed"

// Files holds every vector file, by its name. It is safe for concurrent use.
//
//go:embed *.json *.txt
var Files embed.FS
