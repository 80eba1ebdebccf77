package client

// OwnTransport is the transport of a Client that was given no HTTP.
var OwnTransport = ownTransport
