package revocation

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Compare returns -1 if c is before d, 0 if they are the same place, +1 if c is
// after d. Epochs decide before sequence numbers do.
func (c Cursor) Compare(d Cursor) int {
	return cmp.Or(cmp.Compare(c.Epoch, d.Epoch), cmp.Compare(c.Seq, d.Seq))
}

// Before tells whether c is before d.
func (c Cursor) Before(d Cursor) bool { return c.Compare(d) < 0 }

// String returns "E:S" in decimal, the one spelling that [ParseCursor] reads.
func (c Cursor) String() string {
	return strconv.FormatUint(c.Epoch, 10) + ":" + strconv.FormatUint(c.Seq, 10)
}

// ParseCursor reads what [Cursor.String] writes, and no other spelling of it:
// no sign, no leading zero, no space. Anything else is ErrBadCursor.
func ParseCursor(s string) (Cursor, error) {
	c, ok := parseCursor(s)
	if !ok {
		return Cursor{}, fmt.Errorf("%w: want EPOCH:SEQ in plain decimal, such as 1:42", ErrBadCursor)
	}
	return c, nil
}

// parseCursor runs for every request, so it allocates nothing, not even for
// what it refuses.
func parseCursor(s string) (Cursor, bool) {
	epoch, seq, _ := strings.Cut(s, ":")
	e, okE := number(epoch)
	n, okS := number(seq)
	if !okE || !okS {
		return Cursor{}, false
	}
	return Cursor{Epoch: e, Seq: n}, true
}

// number reads a decimal in the one spelling that strconv writes.
func number(s string) (uint64, bool) {
	if s == "" || len(s) > 20 || (s[0] == '0' && len(s) > 1) {
		return 0, false
	}
	var n uint64
	for i := range len(s) {
		d := uint64(s[i] - '0')
		if d > 9 || n > (^uint64(0)-d)/10 {
			return 0, false
		}
		n = n*10 + d
	}
	return n, true
}
