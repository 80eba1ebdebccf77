// Package client calls the auth server from Go.
//
// A [Client] signs up, logs in and logs out, and keeps one session. Its
// [Client.Transport] is an http.RoundTripper that sends the session's access
// token to the services it was made for, and nowhere else:
//
//	c, err := client.New(client.Config{
//		Issuer:   "https://id.example.com",
//		Services: []string{"https://api.example.com"},
//		Tokens:   client.File("session.json"),
//	})
//	err = c.LogIn(ctx, "ada", password)
//	api := &http.Client{Transport: c.Transport(nil)}
//	res, err := api.Get("https://api.example.com/orders")
//
// # What it does so that nobody is logged out by accident
//
// The access token is renewed at about half its life, once for all requests
// that wait for it. A 401 from a service is answered by one refresh and one
// repetition. An answer marked Jotkeeper-Renew begins a renewal in the
// background, and stands whatever becomes of it. A lost answer is asked for once
// more; the server gives the same refresh token again. A refresh token is stored
// before its access token is used. A 503 means "wait", never "logged out".
//
// Only a refresh can end the session for a client, and only with one of the
// reasons revoked, idle, absolute and reused: then every call returns
// [ErrEnded], until somebody logs in again.
//
// # What it refuses to do
//
// It sends no token to a service that is not in its list, follows no redirect
// of the auth server, and shares its session with no second process: two
// holders of one refresh token are what a theft looks like.
package client
