package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// launch starts a server for a Go test, in a home of its own.
func launch(t *testing.T, home string, args ...string) *server {
	t.Helper()
	if !strings.Contains(strings.Join(args, " "), "--addr") {
		args = append([]string{"--addr", "127.0.0.1:0"}, args...)
	}
	s, err := startServer(os.Getenv("PATH"), []string{"HOME=" + home, "PATH=" + os.Getenv("PATH")}, home, "", args...)
	return answering(t, s, err)
}

// answering waits until a server that was just started is ready, and kills it
// at the end of the test.
func answering(t *testing.T, s *server, err error) *server {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	if err := s.awaitReady(); err != nil {
		t.Fatal(err)
	}
	return s
}

// A halfway is a request whose head the server has, and whose body it waits
// for: it is under way, beyond doubt.
type halfway struct {
	conn net.Conn
	r    *bufio.Reader
	body string
}

// begin sends a sign-up up to its body and waits until the server asks for it.
func begin(t *testing.T, s *server, name string) *halfway {
	t.Helper()
	addr := strings.TrimPrefix(s.url, "http://")
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	h := &halfway{conn, bufio.NewReader(conn), "username=" + name + "&password=moss-kettle-orbit-42&transport=body"}
	fmt.Fprintf(conn, "POST /accounts HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", addr, len(h.body))
	line, err := h.r.ReadString('\n')
	if err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("%q, %v", line, err)
	}
	if _, err := h.r.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return h
}

// finish sends the body and returns the answer.
func (h *halfway) finish() (int, string, error) {
	if _, err := io.WriteString(h.conn, h.body); err != nil {
		return 0, "", err
	}
	res, err := http.ReadResponse(h.r, nil)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, string(body), err
}

// A196: what is under way when SIGTERM comes is answered in full; what comes
// after is not let in; then the server ends with 0. The server has the same
// patience with its rooms as ever: where eight passwords take longer to hash, it
// says so, which is an answer too. That the rooms are closed already is none.
func TestA196TermUnderLoadAnswersWhatIsUnderWay(t *testing.T) {
	s := launch(t, t.TempDir())
	var under []*halfway
	for i := range 8 {
		under = append(under, begin(t, s, fmt.Sprintf("guest%d", i)))
	}
	if err := s.cmd.Process.Signal(signals["TERM"]); err != nil {
		t.Fatal(err)
	}
	s.await(t, "jotkeeper: stopping when the requests under way are answered; again to stop at once")
	for deadline := time.Now().Add(patience); ; {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			break
		}
		conn.Close()
		if time.Now().After(deadline) {
			t.Fatal("new connections are still let in")
		}
	}
	for i, h := range under {
		code, body, err := h.finish()
		welcome := code == http.StatusCreated && strings.Contains(body, "id_token")
		slow := code == http.StatusServiceUnavailable && s.ranOut(body)
		if err != nil || !welcome && !slow {
			t.Errorf("request %d under way: %d %s %v, because of %q", i, code, body, err, s.trouble(body))
		}
	}
	<-s.ended
	if code := s.cmd.ProcessState.ExitCode(); code != exitOK {
		t.Errorf("the server ended with %d:\n%s", code, s.said())
	}
}

// A second signal does not wait.
func TestSecondSignalStopsAtOnce(t *testing.T) {
	s := launch(t, t.TempDir())
	begin(t, s, "ada")
	if err := s.cmd.Process.Signal(signals["INT"]); err != nil {
		t.Fatal(err)
	}
	s.await(t, "jotkeeper: stopping when")
	code, err := s.stop("INT")
	if err != nil || code != exitOther || !strings.Contains(s.said(), "jotkeeper: stopped at once, requests under way were cut off") {
		t.Errorf("ended with %d, %v:\n%s", code, err, s.said())
	}
}

// A header that never ends, or is too large, does not hold a connection.
func TestHeaderLimits(t *testing.T) {
	s := launch(t, t.TempDir())
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: x\r\nX-Large: %s\r\n\r\n", strings.Repeat("a", 128<<10))
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("%v, %v", res, err)
	}
	e := &evening{p: &program{stderr: io.Discard}, log: (&program{stderr: io.Discard}).logger("json")}
	srv := e.server(http.NotFoundHandler())
	if srv.ReadHeaderTimeout <= 0 || srv.ReadTimeout <= 0 || srv.WriteTimeout <= 0 || srv.IdleTimeout <= 0 {
		t.Errorf("a connection may stay for ever: %+v", srv)
	}
}
