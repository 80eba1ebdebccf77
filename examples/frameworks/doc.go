// Package frameworks shows Jotkeeper in the routers that people use.
//
// Each folder is the same small program: orders that the account may read and
// write, a payout for those with the scope "pay". What differs is how the router
// takes a middleware. story_test.go runs one story through all of them.
package frameworks
