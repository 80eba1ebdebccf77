package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/jotkeeper/jotkeeper/api"
)

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 64 << 10

// terminal are the reasons with which a refresh ends a session for a client
// (docs/spec/reasons.md). Every other refusal leaves it as it is.
var terminal = map[string]bool{"revoked": true, "idle": true, "absolute": true, "reused": true}

// answer is any body of the auth server.
type answer struct {
	Result    api.Tokens       `json:"result"`
	Errors    []api.FieldError `json:"errors"`
	Code      string           `json:"code"`
	RequestID string           `json:"request_id"`
}

// post sends a form and reads tokens.
func (c *Client) post(ctx context.Context, path string, form url.Values) (api.Tokens, error) {
	a, err := c.call(ctx, http.MethodPost, path, form)
	if err == nil && a.Result.IDToken == "" {
		err = fmt.Errorf("%w: its answer has no token", ErrUnavailable)
	}
	return a.Result, err
}

func (c *Client) end(ctx context.Context, refresh string) error {
	_, err := c.call(ctx, http.MethodDelete, "/session", url.Values{"refresh_token": {refresh}})
	return err
}

func (c *Client) call(ctx context.Context, method, path string, form url.Values) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.issuer+path, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := c.http.Do(req)
	if err != nil {
		return answer{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return answer{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return read(res, text)
}

// read turns a status and a body into an answer or one of our errors. What is
// not understood is never a logout.
func read(res *http.Response, text []byte) (answer, error) {
	var a answer
	var err error
	if len(text) > 0 {
		err = json.Unmarshal(text, &a)
	}
	switch {
	case res.StatusCode < 300 && err == nil:
		return a, nil
	case len(a.Errors) > 0:
		return a, &Refused{a.Errors}
	case res.StatusCode == http.StatusUnauthorized && terminal[a.Code]:
		return a, &Ended{Reason: a.Code, RequestID: a.RequestID}
	case res.StatusCode == http.StatusUnauthorized:
		return a, fmt.Errorf("%w: the server knows nothing of this credential (%s, request %s)", ErrRefusedCredential, a.Code, a.RequestID)
	}
	return a, fmt.Errorf("%w: %s (%s, request %s)", ErrUnavailable, res.Status, a.Code, a.RequestID)
}
