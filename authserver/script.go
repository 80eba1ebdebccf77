package authserver

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/jotkeeper/jotkeeper/web"
)

// scriptTag names the script by its content.
var scriptTag = func() string {
	sum := sha256.Sum256(web.Script())
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:]) + `"`
}()

// script serves jotkeeper.js to pages of any origin: it is public, and what it
// may do depends on the origin of the page.
func (s *server) script(c *call) error {
	h := c.w.Header()
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("ETag", scriptTag)
	if h.Get("Access-Control-Allow-Origin") == "" {
		h.Set("Access-Control-Allow-Origin", "*")
	}
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	http.ServeContent(c.w, c.r, "", time.Time{}, bytes.NewReader(web.Script()))
	return nil
}
