package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jotkeeper/jotkeeper/session"
)

// A job is what the load process is told, an outcome what it says.
type job struct {
	URL    string
	Tokens []string
}

type outcome struct {
	Seconds   float64   // from the first request to the last answer
	Latencies []float64 // seconds, ascending
	Errors    []string
}

// runLoad lets another process refresh each token once.
func runLoad(at string, tokens []string, clients int) (outcome, error) {
	var o outcome
	err := play("load", job{at, tokens}, &o, "-clients", fmt.Sprint(clients))
	if err == nil && len(o.Errors) > 0 {
		err = fmt.Errorf("%d of %d refreshes failed, the first: %s", len(o.Errors), len(tokens), o.Errors[0])
	}
	return o, err
}

// play runs this program in another process: question in, answer out.
func play(role string, question, answer any, args ...string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	in, err := json.Marshal(question)
	if err != nil {
		return err
	}
	c := exec.Command(self, append([]string{"-role", role}, args...)...)
	c.Stdin, c.Stderr = bytes.NewReader(in), os.Stderr
	out, err := c.Output()
	if err != nil {
		return fmt.Errorf("%s: %w", role, err)
	}
	return json.Unmarshal(out, answer)
}

// playLoad is the load process.
func playLoad(clients int) error {
	var j job
	if err := json.NewDecoder(os.Stdin).Decode(&j); err != nil {
		return err
	}
	u, err := url.Parse(j.URL)
	if err != nil {
		return err
	}
	work := make(chan string, len(j.Tokens))
	for _, token := range j.Tokens {
		work <- token
	}
	close(work)
	var o outcome
	var mu sync.Mutex
	var wg sync.WaitGroup
	began := time.Now()
	for range clients {
		wg.Go(func() {
			mine := refreshAll(u.Host, work)
			mu.Lock()
			defer mu.Unlock()
			o.Latencies = append(o.Latencies, mine.Latencies...)
			o.Errors = append(o.Errors, mine.Errors...)
		})
	}
	wg.Wait()
	o.Seconds = time.Since(began).Seconds()
	slices.Sort(o.Latencies)
	return json.NewEncoder(os.Stdout).Encode(o)
}

// refreshAll is one client with one connection. It writes its requests by hand:
// the client is not what is measured, though it runs on the same cores.
func refreshAll(host string, work <-chan string) (o outcome) {
	conn, err := net.Dial("tcp", host)
	if err != nil {
		return outcome{Errors: []string{err.Error()}}
	}
	defer conn.Close()
	answers := bufio.NewReader(conn)
	for token := range work {
		sent := time.Now()
		if err := refresh(conn, answers, host, token); err != nil {
			o.Errors = append(o.Errors, err.Error())
			continue
		}
		o.Latencies = append(o.Latencies, time.Since(sent).Seconds())
	}
	return o
}

func refresh(conn io.Writer, answers *bufio.Reader, host, token string) error {
	body := "refresh_token=" + token
	_, err := fmt.Fprintf(conn, "POST /session/refresh HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", host, len(body), body)
	if err != nil {
		return err
	}
	res, err := http.ReadResponse(answers, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusCreated {
		return fmt.Errorf("%s: %s", res.Status, text)
	}
	return isRotation(token, text)
}

// isRotation holds the answer to what a rotation is: an access token, and the
// session's next refresh token.
func isRotation(token string, text []byte) error {
	var answer struct {
		Result struct {
			Access  string `json:"id_token"`
			Refresh string `json:"refresh_token"`
		} `json:"result"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return err
	}
	if strings.Count(answer.Result.Access, ".") != 2 {
		return errors.New("an answer without an access token")
	}
	was, err := session.ParseRefresh(token)
	if err != nil {
		return err
	}
	is, err := session.ParseRefresh(answer.Result.Refresh)
	if err != nil {
		return fmt.Errorf("the answer is no rotation: %w", err)
	}
	if is.SessionID != was.SessionID || is.Generation != was.Generation+1 {
		return fmt.Errorf("the answer is no rotation: generation %d of %s after %d", is.Generation, is.SessionID, was.Generation)
	}
	return nil
}
