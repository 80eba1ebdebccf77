package api_test

import (
	"encoding/json"
	"testing"

	"github.com/jotkeeper/jotkeeper/api"
)

// The wire, letter by letter: published clients parse exactly this.
func TestMessagesOnTheWire(t *testing.T) {
	for _, c := range []struct {
		message any
		want    string
	}{
		{api.Result[bool]{Result: true}, `{"result":true}`},
		{api.Result[api.Tokens]{Result: api.Tokens{IDToken: "e.y.J"}}, `{"result":{"id_token":"e.y.J"}}`},
		{api.Result[api.Tokens]{Result: api.Tokens{IDToken: "e.y.J", RefreshToken: "jkr_1", ExpiresIn: 900}},
			`{"result":{"id_token":"e.y.J","refresh_token":"jkr_1","expires_in":900}}`},
		{api.Refused{Errors: []api.FieldError{{Field: "username", Message: "TAKEN"}}},
			`{"errors":[{"field":"username","message":"TAKEN"}]}`},
		{api.Trouble{Error: "Try again.", Code: "unavailable"}, `{"error":"Try again.","code":"unavailable"}`},
		{api.Result[api.Ended]{Result: api.Ended{Ended: 0}}, `{"result":{"ended":0}}`},
		{api.Active{Active: true}, `{"active":true}`},
		{api.Health{HTTP: true, Database: false}, `{"http":true,"db":false}`},
		{api.Ready{Status: "ok"}, `{"status":"ok"}`},
	} {
		got, err := json.Marshal(c.message)
		if err != nil || string(got) != c.want {
			t.Errorf("got %s, %v, want %s", got, err, c.want)
		}
	}
}
