// Package web embeds the files a browser is served.
//
// They are plain files: what a page loads is what you read here, no step in
// between. jotkeeper.js is the page's half of a session. It refuses to know any
// framework, and to keep a token where another visit would find it.
package web

import _ "embed"

//go:embed jotkeeper.js
var script []byte

// Script returns the ES module jotkeeper.js. The caller must not change it.
func Script() []byte { return script }
