// Package frameworks shows Jotkeeper in the routers that people use.
//
// Each folder is two small programs. App takes the tokens of an auth server:
// orders that the account may read and write, a payout for those with the scope
// "pay". Shop keeps its sessions itself, with package keeper. What differs is how
// the router takes a middleware. story_test.go and sessions_test.go run one story
// through all of them, and the guide docs/guides/frameworks.md quotes them.
package frameworks
