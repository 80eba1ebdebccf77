package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/jotkeeper/jotkeeper/session"
)

// note writes a line into the guest's diary.
func (g *guest) note(format string, args ...any) {
	g.diary = append(g.diary, time.Now().UTC().Format("15:04:05.000 ")+fmt.Sprintf("life %d: ", g.c.lives)+fmt.Sprintf(format, args...))
}

// believes notes what the guest holds to be true.
func (g *guest) believes() {
	g.note("believes: account %q, password %q, tried %q", g.username, g.password, g.tried)
}

// wrong is a failure of the test, and a reason to read this guest's diary.
func (g *guest) wrong(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	g.upset = true
	first, _, _ := strings.Cut(text, "\n")
	g.note("WRONG: %s", first)
	g.c.t.Errorf("%s: %s", g.name, text)
}

// ask asks, and keeps it in mind. The passwords of a guest are nobody's secret,
// refresh tokens would only be long: the ID of their session is enough.
func (g *guest) ask(ctx context.Context, method, path string, form url.Values, bearer string) (int, string) {
	said := ""
	for _, field := range []string{"username", "password", "currentPassword"} {
		if form.Has(field) {
			said += fmt.Sprintf(" %s=%q", field, form.Get(field))
		}
	}
	if form.Has("refresh_token") {
		said += " of session " + sidOf(form.Get("refresh_token"))
	}
	began := time.Now()
	status, body := g.c.ask(ctx, method, path, form, bearer)
	g.note("%s %s%s: %s after %v", method, path, said, inWords(status, body), time.Since(began).Round(time.Millisecond))
	return status, body
}

// sure asks until the server knows, and waits in between as it says: a 503 tells
// nothing of what was acknowledged, which is the law that clients go by. On a
// loaded machine its patience ends over a password, or its keys are not heard of
// in time. A server that never knows is found out by the test's patience.
func (g *guest) sure(path string, form url.Values) (status int, body string) {
	for late := time.Now().Add(patience); ; <-time.After(time.Second) {
		status, body = g.ask(context.Background(), "POST", path, form, "")
		if status != http.StatusServiceUnavailable {
			return status, body
		}
		g.note("… because of %q", g.c.server.trouble(body))
		if time.Now().After(late) {
			return status, body
		}
	}
}

// inWords is an answer in a few words.
func inWords(status int, body string) string {
	var got tokens
	switch {
	case status == 0:
		return "no answer"
	case status >= http.StatusBadRequest:
		return fmt.Sprintf("%d %s", status, strings.TrimSpace(body))
	case json.Unmarshal([]byte(body), &got) == nil && got.Result.Refresh != "":
		return fmt.Sprintf("%d session %s", status, sidOf(got.Result.Refresh))
	}
	return fmt.Sprint(status)
}

func sidOf(refresh string) string {
	parsed, err := session.ParseRefresh(refresh)
	if err != nil {
		return "unknown"
	}
	return parsed.SessionID
}
