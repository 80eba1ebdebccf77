package facepage

import "net/http"

// The cookies of the web application.
const (
	tokenCookie   = "facepage"         // the access token, for every page
	refreshCookie = "facepage-refresh" // the refresh token, which travels to /session alone
	surveyCookie  = "facepage-survey"  // the access token of a link's session, for the survey alone
	resetLink     = "facepage-reset"   // a link on its way from the address bar into the form
	surveyLink    = "facepage-link"
)

const month = 30 * 24 * 60 * 60 // seconds

// give sets a cookie that no script can read. Facepage is reached over plain
// HTTP on this machine, where some browsers keep no Secure cookie; elsewhere use
// jotkeeper.Cookie, which sets __Host-jotkeeper with Secure.
func give(w http.ResponseWriter, name, value, path string, seconds int) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: path, MaxAge: seconds, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

func take(w http.ResponseWriter, name, path string) { give(w, name, "", path, -1) }

// cookie returns a cookie's value, "" if there is none, or if there are two that
// differ: those are nobody's word.
func cookie(r *http.Request, name string) string {
	value := ""
	for i, c := range r.CookiesNamed(name) {
		if i > 0 && c.Value != value {
			return ""
		}
		value = c.Value
	}
	return value
}
