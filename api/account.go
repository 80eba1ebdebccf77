package api

import "encoding/json"

// An Account is what the private routes tell about one account. Times are
// RFC 3339, or empty for never.
type Account struct {
	ID                int64                      `json:"id"`
	Username          string                     `json:"username"`
	OAuthAccounts     []struct{}                 `json:"oauth_accounts"` // none yet; published clients expect the list
	LastLoginAt       string                     `json:"last_login_at"`
	PasswordChangedAt string                     `json:"password_changed_at"`
	Locked            bool                       `json:"locked"`
	Deleted           bool                       `json:"deleted"`
	Failures          int                        `json:"failures"` // failed logins in a row
	Scope             string                     `json:"scope"`
	Claims            map[string]json.RawMessage `json:"claims"`
}
