package facepage

import (
	"net/http"
	"strconv"
)

// showHeaders is problem 1: the token of the browser's cookie, sent once more as
// a cookie, then as a header. What the two differ in is who sends them: a cookie
// is attached by the browser to whatever any site sends here, so it needs a check
// of where a request comes from (A071); a header is not, so it needs none.
func (w *Web) showHeaders(r *http.Request, a *act, c caller) {
	ctx := r.Context()
	req, err := carrying(ctx, http.MethodGet, w.cfg.Orders.Pages+"/me", c.token)
	inCookie := a.ask(WebApp, "Cookie: "+tokenCookie+"=<the token>", req, err)
	req, err = bearing(ctx, http.MethodGet, w.cfg.API+"/face", c.token)
	inHeader := a.ask(API, "Authorization: Bearer <the token>", req, err)

	const elsewhere = "https://elsewhere.example"
	req, err = carrying(ctx, http.MethodPost, w.cfg.Orders.Pages+"/me", c.token)
	fromElsewhere := a.ask(WebApp, "POST by another site's page: the browser adds the cookie", sentFrom(req, elsewhere), err)
	req, err = bearing(ctx, http.MethodPost, w.cfg.Orders.Pages+"/me", c.token)
	byProgram := a.ask(WebApp, "POST with the header, which no page of another site can add", sentFrom(req, elsewhere), err)

	for _, good := range []reply{inCookie, inHeader, byProgram} {
		if !good.OK() {
			a.lost(good)
			a.Said = "One of the two places was refused."
			return
		}
	}
	a.fact("bytes", "length of the token, the same in both headers", strconv.Itoa(len(c.token))+" bytes")
	a.fact("cross-site", "another site's form with your cookie", strconv.Itoa(fromElsewhere.Status)+" "+fromElsewhere.Reason)
	a.Said = "One token was taken out of two headers, by two programs, and both knew you. The cookie was refused when another site's page caused the request."
}

func sentFrom(req *http.Request, origin string) *http.Request {
	if req != nil {
		req.Header.Set("Origin", origin)
	}
	return req
}
