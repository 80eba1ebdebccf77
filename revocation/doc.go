// Package revocation tells whether a verified token has been revoked.
package revocation
