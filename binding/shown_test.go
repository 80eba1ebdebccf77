package binding_test

import (
	"testing"

	"github.com/jotkeeper/jotkeeper/internal/shown"
)

func TestExamplesShowEverything(t *testing.T) { shown.Everything(t) }
