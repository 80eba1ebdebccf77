package api

import "time"

// Tokens answers sign-up, login, refresh and password change. RefreshToken and
// ExpiresIn (seconds) are there only for a client whose credential came in the
// body; a refresh that found the refresh token still good has no RefreshToken.
type Tokens struct {
	IDToken      string `json:"id_token"`
	RefreshToken string `json:"refresh_token,omitempty"`
	ExpiresIn    int64  `json:"expires_in,omitempty"`
}

// A Session is one line of a person's list of sessions.
type Session struct {
	ID        string    `json:"sid"`
	Current   bool      `json:"current"`
	CreatedAt time.Time `json:"created_at"`
	SeenAt    time.Time `json:"seen_at"` // in whole hours
	ExpiresAt time.Time `json:"expires_at"`
	Methods   []string  `json:"amr"`
	Device    Device    `json:"device"`
}

// A Device is where a session was seen last.
type Device struct {
	Name    string `json:"name,omitempty"`
	Agent   string `json:"agent"`
	Address string `json:"address"`
}

// Ended tells how many sessions were ended.
type Ended struct {
	Ended int `json:"ended"`
}

// Active answers a revocation check. A token that is not active is refused
// with its reason instead.
type Active struct {
	Active bool `json:"active"`
}
