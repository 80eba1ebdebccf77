// Package jwt is the one door to signed and sealed tokens.
package jwt
