package revocation_test

import (
	"fmt"
	"testing"

	"github.com/jotkeeper/jotkeeper/revocation"
)

// BenchmarkCheck asks about tokens that no rule matches, which is what most are.
func BenchmarkCheck(b *testing.B) {
	for _, rules := range []int{0, 100_000} {
		b.Run(fmt.Sprint(rules, " rules"), func(b *testing.B) {
			x := revocation.NewIndex(issuer)
			for i := range rules {
				if err := x.Apply(entry(uint64(i+1), ended(revocation.ScopeSession, fmt.Sprint("session-", i)))); err != nil {
					b.Fatal(err)
				}
			}
			q := ada()
			b.ReportAllocs()
			for b.Loop() {
				if v := x.Check(noon, &q); v.Action != revocation.None {
					b.Fatal(v)
				}
			}
		})
	}
}
