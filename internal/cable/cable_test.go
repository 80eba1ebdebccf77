package cable_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/jotkeeper/jotkeeper/internal/cable"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience guards against a test that hangs; no test is measured by it.
const patience = 30 * time.Second

// A party is one side of a conversation.
type party struct {
	*net.TCPConn
	t *testing.T
	r *bufio.Reader
}

func newParty(t *testing.T, c net.Conn) *party {
	t.Helper()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &party{c.(*net.TCPConn), t, bufio.NewReader(c)}
}

func (p *party) says(text string) *party {
	p.t.Helper()
	if _, err := io.WriteString(p, text); err != nil {
		p.t.Fatal(err)
	}
	return p
}

func (p *party) hears(text string) *party {
	p.t.Helper()
	got := make([]byte, len(text))
	if _, err := io.ReadFull(p.r, got); err != nil || string(got) != text {
		p.t.Fatalf("heard %q, %v; want %q", got, err, text)
	}
	return p
}

func (p *party) hearsTheEnd() {
	p.t.Helper()
	if b, err := p.r.ReadByte(); err != io.EOF {
		p.t.Fatalf("heard %q, %v; want the end", b, err)
	}
}

// hearsNothing: neither a byte nor an end comes, however long one waits.
func (p *party) hearsNothing() {
	p.t.Helper()
	if err := p.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		p.t.Fatal(err)
	}
	if b, err := p.r.ReadByte(); !errors.Is(err, os.ErrDeadlineExceeded) {
		p.t.Fatalf("heard %q, %v; want nothing at all", b, err)
	}
}

// A server hands over whoever calls.
type server struct {
	t     *testing.T
	l     net.Listener
	calls chan net.Conn
}

func newServer(t *testing.T) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t, l, make(chan net.Conn, 16)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.calls <- c
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return s
}

func (s *server) addr() string { return s.l.Addr().String() }

func dial(t *testing.T, c *cable.Cable) *party {
	t.Helper()
	conn, err := net.DialTimeout("tcp", c.Addr(), patience)
	if err != nil {
		t.Fatal(err)
	}
	return newParty(t, conn)
}

// meet joins two parties through a cable.
func (s *server) meet(c *cable.Cable) (caller, called *party) {
	s.t.Helper()
	caller = dial(s.t, c)
	select {
	case conn := <-s.calls:
		return caller, newParty(s.t, conn)
	case <-time.After(patience):
		s.t.Fatal("the call never came")
		return nil, nil
	}
}

func TestACableCarriesWordsWithTheirEnd(t *testing.T) {
	s := newServer(t)
	c := cable.Lay(t, s.addr())
	caller, called := s.meet(c)
	caller.says("hello")
	called.hears("hello").says("who is there?")
	caller.hears("who is there?")
	if err := caller.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	called.hearsTheEnd()
	called.says("still here") // half a conversation goes on
	caller.hears("still here")
	called.Close()
	caller.hearsTheEnd()
	if n := c.Accepted(); n != 1 {
		t.Errorf("%d connections were made", n)
	}
}

func TestWhatIsDelayedComesLaterAndInOrder(t *testing.T) {
	s := newServer(t)
	c := cable.Lay(t, s.addr())
	caller, called := s.meet(c)
	const delay = 30 * time.Millisecond
	c.Break(t, cable.Fault{Down: cable.Way{Delay: delay}})
	for _, word := range []string{"one", "two", "three"} {
		said := time.Now()
		called.says(word)
		caller.hears(word).says(word)
		if took := time.Since(said); took < delay {
			t.Errorf("%s came after %v", word, took)
		}
		called.hears(word)
	}
}

func TestWhatIsHeldComesWhenEnoughIsThere(t *testing.T) {
	s := newServer(t)
	c := cable.Lay(t, s.addr())
	caller, called := s.meet(c)
	c.Break(t, cable.Fault{Down: cable.Way{Hold: 8}})
	called.says("1234")
	caller.hearsNothing()
	caller.SetDeadline(time.Now().Add(patience))
	called.says("5678")
	caller.hears("12345678")
	caller.says("this way nothing is held")
	called.hears("this way nothing is held").says("9")
	called.Close()
	caller.hears("9").hearsTheEnd()
}

func TestWhatIsHeldForeverComesWhenTheFaultIsOver(t *testing.T) {
	s := newServer(t)
	c := cable.Lay(t, s.addr())
	caller, called := s.meet(c)
	c.Break(t, cable.Fault{Up: cable.Way{Hold: cable.Forever}})
	caller.says("a").says("b").Close()
	called.hearsNothing()
	called.SetDeadline(time.Now().Add(patience))
	c.Mend(t)
	called.hears("ab").hearsTheEnd()
}

func TestAResetIsNoOrderlyEnd(t *testing.T) {
	s := newServer(t)
	c := cable.Lay(t, s.addr())
	caller, called := s.meet(c)
	c.Reset()
	for _, p := range []*party{caller, called} {
		if _, err := p.r.ReadByte(); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("heard %v, want a reset", err)
		}
	}
	caller, called = s.meet(c)
	if err := called.SetLinger(0); err != nil {
		t.Fatal(err)
	}
	called.Close()
	if _, err := caller.r.ReadByte(); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the other side was reset, and this one hears %v", err)
	}
}

func TestWhoIsRefusedMayComeBack(t *testing.T) {
	s := newServer(t)
	c := cable.Lay(t, s.addr())
	caller, called := s.meet(c)
	c.Break(t, cable.Fault{Refused: true})
	if _, err := net.Dial("tcp", c.Addr()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dialled: %v, want a refusal", err)
	}
	caller.says("still open")
	called.hears("still open")
	c.Mend(t)
	caller, called = s.meet(c)
	caller.says("back")
	called.hears("back")
}

func TestNothingLeavesABlackHole(t *testing.T) {
	s := newServer(t)
	c := cable.Lay(t, s.addr())
	c.Break(t, cable.Fault{Lost: true})
	fallen := dial(t, c).says("anybody?")
	fallen.hearsNothing()
	c.Mend(t)
	caller, called := s.meet(c) // the first call that the server hears of
	caller.says("hello")
	called.hears("hello")
	fallen.hearsNothing() // what was lost does not come back
}

func TestHalfAConnectionHearsOfNoEnd(t *testing.T) {
	s := newServer(t)
	c := cable.Lay(t, s.addr())
	caller, called := s.meet(c)
	caller.says("hello")
	called.hears("hello")
	c.Sever()
	caller.says("lost").Close()
	called.says("lost").hearsNothing()
	caller, called = s.meet(c)
	caller.says("another")
	called.hears("another")
}

func TestACableLeadsElsewhere(t *testing.T) {
	one, two := newServer(t), newServer(t)
	c := cable.Lay(t, one.addr())
	before, _ := one.meet(c)
	c.To(two.addr())
	caller, called := two.meet(c)
	caller.says("two")
	called.hears("two")
	before.hearsNothing() // it stays where it was
	two.l.Close()
	conn, err := net.Dial("tcp", c.Addr())
	if err == nil { // the reset may be quicker
		_, err = newParty(t, conn).r.ReadByte()
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("nobody is there, and the caller hears %v", err)
	}
}
