package memory_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/jotkeeper/jotkeeper/store"
	"github.com/jotkeeper/jotkeeper/store/memory"
	"github.com/jotkeeper/jotkeeper/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestBackend(t *testing.T) {
	storetest.Backend(t, func(*testing.T) store.Backend { return memory.New() })
}
