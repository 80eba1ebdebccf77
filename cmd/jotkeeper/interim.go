package main

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

func (h *house) accountID(ctx context.Context, who string) (string, error) { return who, nil }
func (h *house) compromise(ctx context.Context, now time.Time, kid string) error {
	return h.keys.Compromise(ctx, now, kid)
}

func (e *evening) handler() (http.Handler, error) {
	if _, err := e.set.adminPassword(); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/version", func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(`{"version":"x"}`)) })
	jw := func(w http.ResponseWriter, r *http.Request) { json.NewEncoder(w).Encode(e.house.keys.Set()) }
	mux.HandleFunc("/jwks", jw)
	mux.HandleFunc("/.well-known/jwks.json", jw)
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(map[string]string{"issuer": e.set.Issuer, "jwks_uri": e.set.Issuer + "/jwks"})
	})
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, r *http.Request) {
		if e.ready(r.Context()) != nil {
			w.WriteHeader(503)
		}
	})
	return mux, nil
}
