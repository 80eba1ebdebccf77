package authserver_test

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A065: what two readers may cut into requests differently is refused, and where
// it cannot be seen nothing that follows on the connection is served.
func TestA065NothingIsSmuggled(t *testing.T) {
	const stowaway = "GET /readyz HTTP/1.1\r\nHost: id.test\r\n\r\n"
	served := make(chan string, 10)
	h := inMemory(t)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		served <- r.URL.Path
		h.handler.ServeHTTP(w, r)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	defer s.Close()
	post := "POST /session HTTP/1.1\r\nHost: id.test\r\n"
	for name, c := range map[string]struct{ request, status, served string }{
		"both lengths":             {post + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + stowaway, "4", "/session"},
		"two lengths":              {post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n0\r\n\r\n" + stowaway, "400", ""},
		"a length with a sign":     {post + "Content-Length: +5\r\n\r\n0\r\n\r\n" + stowaway, "400", ""},
		"two encodings":            {post + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + stowaway, "501", ""},
		"a space before the colon": {post + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + stowaway, "400", ""},
		"an extension ends in LF":  {post + "Transfer-Encoding: chunked\r\n\r\n3;a=\nx=y\r\n0\r\n\r\n" + stowaway, "4", "/session"},
		"a chunk ends in LF":       {post + "Transfer-Encoding: chunked\r\n\r\n3\nx=y\r\n0\r\n\r\n" + stowaway, "4", "/session"},
		"two hosts":                {"GET /readyz HTTP/1.1\r\nHost: id.test\r\nHost: evil.test\r\n\r\n" + stowaway, "400", ""},
		"no host":                  {"GET /readyz HTTP/1.1\r\n\r\n" + stowaway, "400", ""},
		"CR in a header":           {"GET /readyz HTTP/1.1\r\nHost: id.test\r\nA: b\rc: d\r\n\r\n" + stowaway, "400", ""},
		"a folded header":          {"GET /readyz HTTP/1.1\r\nHost: id.test\r\n a.evil.test\r\n\r\n" + stowaway, "400", ""},
	} {
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		h.must(err)
		h.must(conn.SetDeadline(time.Now().Add(30 * time.Second))) // a connection that stays open fails, it does not hang
		_, err = io.WriteString(conn, c.request)
		h.must(err)
		answer, err := io.ReadAll(conn)
		conn.Close()
		var paths []string
		for len(served) > 0 {
			paths = append(paths, <-served)
		}
		if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 "+c.status) || strings.Join(paths, " ") != c.served {
			t.Errorf("%s: %v, served %q\n%s", name, err, paths, answer)
		}
	}
}
