package main

import (
	"os"
	"testing"
	"time"
)

// BenchmarkAgainstPeers prints the tables of go run ./jwt. It measures for
// itself, in turns: what the testing package counts here means nothing.
func BenchmarkAgainstPeers(b *testing.B) {
	if err := report(os.Stdout, 12, 40*time.Millisecond); err != nil {
		b.Fatal(err)
	}
}
