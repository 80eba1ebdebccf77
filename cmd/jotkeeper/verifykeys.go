package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/jotkeeper/jotkeeper/internal/courier"
	"github.com/jotkeeper/jotkeeper/jwks"
	"github.com/jotkeeper/jotkeeper/jwt"
)

// askTimeout bounds each question over the network, in all its parts.
const askTimeout = 10 * time.Second

// keys finds the keys to verify with.
func (v *verification) keys(ctx context.Context, now time.Time) (jwt.Keys, error) {
	from := v.JWKS
	if from == "" {
		from = v.Issuer
	}
	u, err := url.Parse(from)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return fileKeys(from)
	}
	return v.remoteKeys(ctx, now)
}

// remoteKeys fetches the keys once. A failure is final here: whoever waits at a
// terminal asks again himself.
func (v *verification) remoteKeys(ctx context.Context, now time.Time) (jwt.Keys, error) {
	cfg := jwks.RemoteConfig{URL: v.JWKS, Timeout: askTimeout}
	if v.JWKS == "" {
		cfg.Issuer = v.Issuer
	}
	remote, err := jwks.NewRemote(cfg)
	if err != nil {
		return nil, outside("%s", err)
	}
	defer remote.Close()
	// Asking for a key that cannot be there waits for the first fetch, or for
	// its failure.
	_ = remote.Missing(ctx, now, "")
	keys, err := remote.Snapshot(now)
	if err == nil {
		return keys, nil
	}
	if fetch := remote.Stats().Err; fetch != nil {
		err = fetch
	}
	return nil, outside("the keys of %s cannot be had: %s", cmp.Or(v.JWKS, v.Issuer), netCause(err))
}

// parseSet reads a key set; keys that cannot be used are left out, as any
// verifier does.
func parseSet(path string, data []byte) (jwt.Keys, error) {
	set, skipped, err := jwks.Parse(data)
	switch {
	case err != nil:
		return nil, outside("%s: %s", path, err)
	case len(set.Keys()) == 0 && len(skipped) > 0:
		return nil, outside("%s: %s", path, skipped[0])
	}
	return set, nil
}

// outside is a trouble of the network or of a file, not of the token.
func outside(format string, args ...any) error {
	return &jwt.Error{Reason: jwt.Unavailable, Detail: fmt.Sprintf(format, args...)}
}

// fileKeys reads a key set from a file.
func fileKeys(path string) (jwt.Keys, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, outside("%s cannot be read: %s", path, cause(err))
	}
	if strings.Contains(string(data), "-----BEGIN ") {
		key, err := parsePEM(data, "")
		if err != nil {
			return nil, outside("%s: %s", path, err)
		}
		return jwt.NewSnapshot(key.Public()), nil
	}
	return parseSet(path, data)
}

// askIssuer asks whether a token is still alive.
func askIssuer(ctx context.Context, issuer, raw string) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, issuer+"/revocation/v1/check", nil)
	if err != nil {
		return outside("%s cannot be asked: %s", issuer, err)
	}
	req.Header.Set("Authorization", "Bearer "+raw)
	res, err := askingClient().Do(req)
	if err != nil {
		return outside("%s cannot be asked: %s", issuer, netCause(err))
	}
	defer res.Body.Close()
	return readAnswer(issuer, res)
}

func readAnswer(issuer string, res *http.Response) error {
	var body struct {
		Active bool
		Code   jwt.Reason
		Detail string
	}
	err := json.NewDecoder(io.LimitReader(res.Body, 64<<10)).Decode(&body)
	switch {
	case err != nil:
		return outside("%s answered %s without JSON", issuer, res.Status)
	case res.StatusCode == http.StatusOK && body.Active:
		return nil
	case res.StatusCode == http.StatusUnauthorized && body.Code != "":
		return &jwt.Error{Reason: body.Code, Detail: "its issuer says: " + printable(body.Detail)}
	}
	return outside("%s answered %s", issuer, res.Status)
}

// askingClient follows no redirect: an answer from elsewhere is no answer, and
// the question carries a token.
func askingClient() *http.Client {
	return courier.Staying(&http.Client{Timeout: askTimeout})
}

// netCause is a network error without the method and the address before it.
func netCause(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err.Error()
	}
	return err.Error()
}
