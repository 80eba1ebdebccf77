package jwks

// OwnTransport is the transport of a Remote that was given no Client.
var OwnTransport = ownTransport
