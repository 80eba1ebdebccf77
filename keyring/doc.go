// Package keyring owns the private signing keys.
package keyring
