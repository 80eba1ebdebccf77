package conformance

import (
	"context"
	"slices"
)

// Optional are the groups that a verifier may leave out, if it says so before it is
// asked. Whoever takes such a thing without its check is no verifier of it.
var Optional = []string{"session", "frames", "sealed"}

// greet asks what the implementation offers. One of the first version does not know
// the question: whatever it says to it, or does, offers nothing.
func (p *peer) greet(ctx context.Context) {
	p.version = latest
	a, f := p.ask(ctx, Request{Case: "offers", Kind: "offers"})
	if f != nil || a.Offers == nil {
		p.version = first
		return
	}
	p.offers = a.Offers
}

// declines tells whether the implementation leaves a group out.
func (p *peer) declines(group string) bool {
	return slices.Contains(Optional, group) && !slices.Contains(p.offers, group)
}
