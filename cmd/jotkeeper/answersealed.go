package main

import (
	"github.com/jotkeeper/jotkeeper/internal/conformance"
	"github.com/jotkeeper/jotkeeper/jwt"
)

// opened tells what a seal held.
func opened(a *conformance.Answer, r *conformance.Request) {
	key, err := jwt.ParseOpenKey(r.Key, "")
	if err != nil {
		judged(a, err)
		return
	}
	held, err := jwt.Open(r.Sealed, key)
	if judged(a, err); err == nil {
		a.Plaintext, a.Beside = string(held.Plaintext), string(held.Beside)
	}
}
