package main

import (
	"context"
	"encoding/json"

	"github.com/jotkeeper/jotkeeper/jwt"
)

func parseSet(path string, data []byte) (jwt.Keys, error) {
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(data, &set); err != nil {
		return nil, outside("%s holds no key set: %s", path, err)
	}
	var keys []*jwt.PublicKey
	for _, raw := range set.Keys {
		if k, err := jwt.ParseJWK(raw); err == nil {
			keys = append(keys, k)
		}
	}
	return jwt.NewSnapshot(keys...), nil
}

func (v *verification) remoteKeys(context.Context) (jwt.Keys, error) { return nil, outside("later") }

func (p *program) serverKey(context.Context) (*jwt.PrivateKey, string, error) {
	return nil, "", fail(exitUsage, "token sign: --key is not given", "--key test.pem")
}
