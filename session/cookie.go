package session

// CookieName returns the name of the cookie for a session's refresh token. It
// is the session's own, so that a late answer of one session never overwrites
// the cookie of another. With secure it has the __Host- prefix, which browsers
// take only over https (RFC 6265bis); without, it is for http on this machine.
func CookieName(sid string, secure bool) string {
	name := "jkr-" + sid[:min(8, len(sid))]
	if secure {
		return "__Host-" + name
	}
	return name
}
