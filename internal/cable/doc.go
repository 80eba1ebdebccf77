// Package cable carries TCP connections that a test can break.
//
// [Lay] puts a [Cable] in front of a server: programs dial the cable, real
// sockets on both sides. While they run the test breaks it by a [Fault], resets
// or severs what is open, mends it again. It refuses to lose a part of a
// conversation and go on: a connection that lost one byte stays silent.
package cable
