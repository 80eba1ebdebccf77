package feed

import (
	"errors"
	"io"
	"mime"
	"net/http"
)

const maxBody = 64 << 10 // bytes of a request

// guarded lets in who has a credential of a scope.
func (h *Handler) guarded(serve func(http.ResponseWriter, *http.Request, Grant), scope string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		grant, err := h.admit(r, scope)
		if err != nil {
			refuse(w, r, err)
			return
		}
		serve(w, r, grant)
	}
}

// body reads a request's JSON.
func body(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, errMedia
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, errLarge
	case err != nil:
		return nil, malformed("The body ended early.")
	}
	return text, nil
}

var (
	errMedia = errors.New("feed: a body of another type")
	errLarge = errors.New("feed: a body that is too large")
)

// malformed is what is wrong with a request, for whoever sent it.
type malformed string

func (m malformed) Error() string { return "feed: " + string(m) }
