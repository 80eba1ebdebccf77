package keeper_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/jotkeeper/jotkeeper/keeper"
)

// printed writes a token in every way people write values.
func printed(token *keeper.Token) map[string]string {
	ways := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		ways[verb] = fmt.Sprintf(verb, token)
		ways[verb+" of the value"] = fmt.Sprintf(verb, *token)
		ways[verb+" within"] = fmt.Sprintf(verb, struct{ T *keeper.Token }{token}) + token.ID() // a pointer within prints as an address
	}
	for name, v := range map[string]any{"pointer": token, "value": *token, "within": map[string]any{"token": token}} {
		text, err := json.Marshal(v)
		ways["JSON of the "+name] = fmt.Sprint(string(text), err)
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "token", v)
		ways["slog JSON of the "+name] = log.String()
		log.Reset()
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "token", v)
		ways["slog text of the "+name] = log.String()
	}
	return ways
}

func TestNoTokenPrintsToo(t *testing.T) {
	var none keeper.Token
	text, err := json.Marshal(none)
	if got := fmt.Sprintf("%v %s %v", none, text, none.LogValue()); err != nil || got != "no token null <nil>" {
		t.Errorf("it prints %q, %v", got, err)
	}
}
