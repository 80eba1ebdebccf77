package account

import (
	"context"
	"sync"
	"sync/atomic"

	"golang.org/x/crypto/argon2"
)

// A pool bounds how many passwords are hashed at a time, and how many wait for
// it, so that a flood of logins takes neither the memory nor the processor from
// what else the program does. It owns no goroutine: callers hash in their own.
type pool struct {
	slots chan struct{} // one for each that may run
	room  int           // that may run or wait

	mu     sync.Mutex
	inside int
	closed bool
	empty  *sync.Cond

	hashes, refused atomic.Uint64
}

func newPool(workers, queue int) *pool {
	p := &pool{slots: make(chan struct{}, workers), room: workers + queue}
	p.empty = sync.NewCond(&p.mu)
	return p
}

// A ticket is a place in the pool. Whoever has one leaves it.
type ticket struct{ pool *pool }

// enter takes a place, or returns ErrBusy at once.
func (p *pool) enter() (*ticket, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.inside >= p.room {
		p.refused.Add(1)
		return nil, ErrBusy
	}
	p.inside++
	return &ticket{p}, nil
}

func (t *ticket) leave() {
	t.pool.mu.Lock()
	defer t.pool.mu.Unlock()
	if t.pool.inside--; t.pool.inside == 0 {
		t.pool.empty.Broadcast()
	}
}

// run waits for its turn, then hashes. Who gives up while waiting costs nothing.
func (t *ticket) run(ctx context.Context, p Params, password string, salt []byte, size int) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case t.pool.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-t.pool.slots }()
	t.pool.hashes.Add(1)
	return argon2.IDKey([]byte(password), salt, p.Time, p.Memory, p.Threads, uint32(size)), nil
}

// close refuses who comes now and waits for who is inside.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for p.inside > 0 {
		p.empty.Wait()
	}
}

func (p *pool) population() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.inside
}
