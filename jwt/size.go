package jwt

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// The size budget, in bytes: of a token we sign, of claims worth a warning, of
// a token we look at.
const maxSigned, largeClaims, maxToken = 4000, 1024, 8 << 10

// A Size tells what a token weighs, in bytes.
type Size struct {
	Kind    Kind
	Token   int         // as it is sent
	Claims  int         // as JSON
	Largest []ClaimSize // the largest claims first
}

// A ClaimSize is the size of one claim as JSON, name and punctuation included.
type ClaimSize struct {
	Name  string
	Bytes int
}

// String names the three largest claims.
func (s Size) String() string {
	largest := make([]string, 0, 3)
	for _, c := range s.Largest[:min(3, len(s.Largest))] {
		largest = append(largest, fmt.Sprintf("%s %d", c.Name, c.Bytes))
	}
	return fmt.Sprintf("%s of %d bytes (limit %d), claims %d; largest: %s",
		s.Kind, s.Token, maxSigned, s.Claims, strings.Join(largest, ", "))
}

// weighClaims returns the sizes of the members of a JSON object, largest first;
// nil for what is none.
func weighClaims(payload []byte) (sizes []ClaimSize) {
	dec := jsontext.NewDecoder(bytes.NewReader(payload))
	if dec.PeekKind() != '{' {
		return nil
	}
	for dec.ReadToken(); dec.PeekKind() == '"'; {
		start := dec.InputOffset()
		name, err := dec.ReadToken()
		if err != nil {
			return nil
		}
		claim := name.String() // before the next read makes name invalid
		if err := dec.SkipValue(); err != nil {
			return nil
		}
		sizes = append(sizes, ClaimSize{claim, int(dec.InputOffset() - start)})
	}
	if dec.PeekKind() != '}' {
		return nil
	}
	slices.SortStableFunc(sizes, func(a, b ClaimSize) int { return b.Bytes - a.Bytes })
	return sizes
}
