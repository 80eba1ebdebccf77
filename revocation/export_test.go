package revocation

import (
	"crypto/sha256"
	"os"
	"unsafe"
)

var ErrDisorder = errDisorder

// Footprint counts the bytes of all that the index holds for its rules.
func Footprint(x *Index) int {
	n := int(unsafe.Sizeof(*x))
	for i := range x.rules.tables {
		t := x.rules.tables[i].Load()
		extras := *t.extras.Load()
		n += int(unsafe.Sizeof(*t)) + 8*cap(t.tags) + 4*cap(t.slots) + int(unsafe.Sizeof(record{}))*cap(t.records) + int(unsafe.Sizeof(extra{}))*cap(extras)
		for _, e := range extras {
			n += len(e.id)
		}
	}
	return n
}

// Extras counts the rules that no record could hold.
func Extras(x *Index) int {
	n := 0
	for i := range x.rules.tables {
		n += len(*x.rules.tables[i].Load().extras.Load())
	}
	return n
}

// SameBytes tells whether two IDs fit into a record and would look alike there.
func SameBytes(a, b string) bool {
	r, shape, ok := packID(a)
	s, other, also := packID(b)
	return ok && also && shape == other && r == s
}

// LimitTables lets each of the 256 tables hold n rules and returns what puts things right.
func LimitTables(n int) (restore func()) {
	real := tableLimit
	tableLimit = n
	return func() { tableLimit = real }
}

// OnSync puts f in the place of fsync and returns what puts things right.
func OnSync(f func(path string) error) (restore func()) {
	real := syncFile
	syncFile = func(file *os.File) error { return f(file.Name()) }
	return func() { syncFile = real }
}

// Sealed gives a bent snapshot the sum that it would have if it had been written so.
func Sealed(data []byte) []byte {
	n := len(data) - sha256.Size
	sum := sha256.Sum256(data[:n])
	return append(data[:n:n], sum[:]...)
}
