// Package session keeps refreshable sessions.
package session
