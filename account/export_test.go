package account

// Occupy takes a worker until free is called.
func (a *Accounts) Occupy() (free func()) {
	a.pool.slots <- struct{}{}
	return func() { <-a.pool.slots }
}

// Commonest are the lines of the list.
func Commonest() []string {
	var words []string
	for w := range commonest() {
		words = append(words, w)
	}
	return words
}

// Canonical is the form under which an identifier is kept.
func Canonical(typed string, email bool) (string, error) {
	canonical, wrong := canonicalise(typed, email)
	return canonical, join(wrong)
}
