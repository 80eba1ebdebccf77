package jwt_test

import (
	"testing"

	"go.uber.org/goleak"
)

// The cache works on the goroutine of its caller: none is left behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
