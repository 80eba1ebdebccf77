package facepage

import (
	"context"
	"net/http"
	"net/url"
	"strings"
)

// An accountServer is the account server, as the web application calls it: with
// the routes that every application has, and with those of the desk.
type accountServer struct{ o Orders }

// post is a request with a form. agent is the browser's, so that the list of
// sessions tells people where they are logged in.
func (s accountServer) post(ctx context.Context, method, path, agent string, form url.Values) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.o.Issuer+path, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("User-Agent", agent)
	return req, nil
}

// logIn asks for tokens in the body: the web application has its own cookies.
func (s accountServer) logIn(ctx context.Context, agent, username, password string) (*http.Request, error) {
	return s.post(ctx, http.MethodPost, "/session", agent, url.Values{
		"username": {username}, "password": {password}, "transport": {"body"}, "audience": {s.o.Audience},
	})
}

func (s accountServer) refresh(ctx context.Context, agent, refresh string) (*http.Request, error) {
	return s.post(ctx, http.MethodPost, "/session/refresh", agent, url.Values{"refresh_token": {refresh}})
}

// logOut ends the session of a refresh token.
func (s accountServer) logOut(ctx context.Context, agent, refresh string) (*http.Request, error) {
	return s.post(ctx, http.MethodDelete, "/session", agent, url.Values{"refresh_token": {refresh}})
}

// others asks about all sessions of the account but the one of a refresh token:
// GET lists them with it, DELETE ends them.
func (s accountServer) others(ctx context.Context, method, refresh string) (*http.Request, error) {
	return bearing(ctx, method, s.o.Issuer+"/sessions", refresh)
}

func (s accountServer) keySet(ctx context.Context) (*http.Request, error) {
	return http.NewRequestWithContext(ctx, http.MethodGet, s.o.Issuer+"/.well-known/jwks.json", nil)
}

// desk asks one of the desk's routes: GET without a form, POST with one.
func (s accountServer) desk(ctx context.Context, path string, form url.Values) (*http.Request, error) {
	method := http.MethodPost
	if form == nil {
		method = http.MethodGet
	}
	req, err := s.post(ctx, method, deskPrefix+path, "facepage", form)
	if err == nil {
		req.Header.Set("Authorization", "Bearer "+s.o.Desk)
	}
	return req, err
}

// bearing is a request with a token in the Authorization header.
func bearing(ctx context.Context, method, address, token string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err == nil {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return req, err
}

// carrying is a request with a token in the cookie, as a browser sends it.
func carrying(ctx context.Context, method, address, token string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err == nil {
		req.AddCookie(&http.Cookie{Name: tokenCookie, Value: token})
	}
	return req, err
}
