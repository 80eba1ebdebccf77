package jwks

import (
	"bytes"
	"fmt"
	"net/http"
	"time"
)

// Handler serves the set that publish returns, with the time for which its
// reader may rely on it. GET and HEAD are answered, with ETag, 304 and
// Cache-Control; below one second it says no-cache.
//
// The content type is that of RFC 7517 §8.5.2. Scripts of any origin may read
// it: it is public.
func Handler(publish func(now time.Time) (*Set, time.Duration)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		set, maxAge := publish(time.Now())
		cache := "no-cache"
		if maxAge >= time.Second {
			cache = fmt.Sprintf("public, max-age=%d", maxAge/time.Second)
		}
		h := w.Header()
		h.Set("Content-Type", "application/jwk-set+json")
		h.Set("Cache-Control", cache)
		h.Set("ETag", set.etag)
		h.Set("Access-Control-Allow-Origin", "*")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(set.document))
	})
}
