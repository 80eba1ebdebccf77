// Package account owns people's identifiers with their credentials.
package account
