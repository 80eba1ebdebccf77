package authserver_test

import (
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/binding"
	"github.com/jotkeeper/jotkeeper/jwt"
)

// A035, A060: a token that somebody locked to a browser opens nothing at the
// issuer without its lock: neither the check, nor the session, nor its end.
func TestA060LockedTokensAtTheIssuer(t *testing.T) {
	h := inMemory(t)
	_, own := h.browse("ada")
	sid, _ := claims(t, own.Access)["sid"].(string)
	lock, other := binding.NewLock(), binding.NewLock()
	now, _ := h.clock.Now()
	locked, err := h.keys.Signer(jwt.KindAccess).Sign(now, &jwt.Access{
		Registered: jwt.Registered{
			Issuer: issuer, Subject: claims(t, own.Access)["sub"].(string), Audience: jwt.Audience{issuer}, ID: jwt.NewID(), SessionID: sid,
			IssuedAt: jwt.TimeOf(now), NotBefore: jwt.TimeOf(now), Expires: jwt.TimeOf(now.Add(time.Minute)),
		},
		Confirmation: lock.Confirmation(sid),
	})
	h.must(err)
	for _, route := range [][2]string{{"GET", "/revocation/v1/check"}, {"GET", "/sessions"}, {"DELETE", "/session"}} {
		h.do(route[0], route[1], bearer(locked)).wantCode(401, "binding")
		h.do(route[0], route[1], bearer(locked), with(other.Cookie(sid, now))).wantCode(401, "binding")
	}
	h.do("GET", "/revocation/v1/check", bearer(locked), with(lock.Cookie(sid, now))).want(200)
	h.do("GET", "/revocation/v1/check", bearer(own.Access)).want(200)
}
