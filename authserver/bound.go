package authserver

import (
	"net/http"

	"github.com/jotkeeper/jotkeeper/binding"
	"github.com/jotkeeper/jotkeeper/jwt"
)

// bound passes on a verified token if the request brings what it is bound to
// (row A035): here too nothing that is bound is a bearer token, not even to log
// its owner out.
func bound(r *http.Request, t *jwt.Token[jwt.Access], err error) (*jwt.Token[jwt.Access], error) {
	if err != nil {
		return nil, err
	}
	c := t.Claims()
	if err := binding.WhenLocked.Check(r, c.SessionID, c.Confirmation); err != nil {
		return nil, err
	}
	return t, nil
}
