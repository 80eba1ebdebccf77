package jotkeeper

// OwnTransport is the transport of an Auth that was given no Client.
var OwnTransport = ownTransport
