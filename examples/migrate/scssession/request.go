package scssession

import (
	"context"
	"net/http"

	"github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
)

func (d *Door) cookie() string {
	if d.Cookie.Name == "" {
		return jotkeeper.DefaultCookie
	}
	return d.Cookie.Name
}

// credentials returns what the request brings under each name. Two cookies of
// one name are two people, and nobody can say which of them is meant.
func credentials(r *http.Request, fresh, former string) (raw, old string, err error) {
	for name, into := range map[string]*string{fresh: &raw, former: &old} {
		switch cookies := r.CookiesNamed(name); len(cookies) {
		case 0:
		case 1:
			*into = cookies[0].Value
		default:
			return "", "", &jwt.Error{Reason: jwt.Ambiguous, Detail: "two cookies of the name " + name}
		}
	}
	return raw, old, nil
}

// refuse answers a request that is not let in. It takes no cookie away: a late
// answer would take a new login's.
func refuse(w http.ResponseWriter, err error) {
	reason := jwt.ReasonOf(err)
	status := http.StatusUnauthorized
	switch reason {
	case jwt.Unavailable:
		status = http.StatusServiceUnavailable
	case jwt.Ambiguous:
		status = http.StatusBadRequest
	}
	http.Error(w, string(reason), status)
}

type tokenKey struct{}

// From returns the session of the request, in a handler behind a Door.
func From(ctx context.Context) (*keeper.Token, bool) {
	t, ok := ctx.Value(tokenKey{}).(*keeper.Token)
	return t, ok
}
