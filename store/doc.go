// Package store names what one backend keeps together.
package store
