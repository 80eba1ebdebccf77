// Package room is read by a test.
package room

import "errors"

// Shown and lost, one of each.
var (
	ErrShown = errors.New("shown")
	ErrLost  = errors.New("lost")
)

// A Colour is shown by its values.
type Colour int

// The colours.
const (
	Red Colour = iota
	Blue
)

// A Door is shown by its function.
type Door struct{ Width int }

// NewDoor is in a body.
func NewDoor() *Door { return &Door{} }

// Open is in a body.
func (d *Door) Open() {}

// Shut has an example.
func (d *Door) Shut() {}

// Lose is in no example.
func (d *Door) Lose() {}

// String is called by fmt.
func (d *Door) String() string { return "door" }

// Lost is in no example, and its name stands in another package's.
type Lost struct{}

// Helper is used beside the examples only.
func Helper() {}

type hidden struct{}

// Hidden is a method of what nobody sees.
func (hidden) Hidden() {}
