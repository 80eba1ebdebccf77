package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A server is a jotkeeper serve in a process of its own.
type server struct {
	cmd   *exec.Cmd
	url   string
	ready time.Duration // from exec to the first 200 of /readyz
}

// serve starts the server and waits until it is ready. Its log goes to a file,
// as it would anywhere.
func (h *home) serve() (*server, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(filepath.Dir(h.dir), "serve.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	s := &server{url: "http://" + addr}
	s.cmd = exec.Command(h.program, "serve", "--addr", addr, "--data-dir", h.dir, "--issuer", issuer, "--audience", audience, "--log-format", "json")
	s.cmd.Env = []string{"HOME=" + h.dir}
	s.cmd.Stderr = log
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	if err := s.await(began); err != nil {
		text, _ := os.ReadFile(log.Name())
		return nil, errors.Join(err, errors.New(string(text)))
	}
	return s, nil
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// await asks every millisecond whether the server is ready.
func (s *server) await(began time.Time) error {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Second}
	for time.Since(began) < time.Minute {
		res, err := client.Get(s.url + "/readyz")
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				s.ready = time.Since(began)
				return nil
			}
		}
		time.Sleep(time.Millisecond)
	}
	s.stop()
	return errors.New("the server is not ready after a minute")
}

func (s *server) stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	return s.cmd.Wait()
}

// cpu is the CPU time that the server has used, in seconds, as Linux counts it
// (hundredths).
func (s *server) cpu() (float64, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	user, err := strconv.ParseFloat(fields[11], 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseFloat(fields[12], 64)
	return (user + system) / 100, err
}

// resident is the memory that the server holds, in MiB: all of it, and the part
// that is no copy of a file.
func (s *server) resident() (all, own float64, err error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(status)) {
		name, rest, _ := strings.Cut(line, ":")
		kib, _ := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 64)
		switch name {
		case "VmRSS":
			all = kib / 1024
		case "RssAnon":
			own = kib / 1024
		}
	}
	return all, own, nil
}

// A coming is one start.
type coming struct {
	fresh    bool    // in a new data directory
	ready    float64 // seconds
	all, own float64 // MiB, a second later
}

// comings starts the server again and again: on the seeded store, and where
// there is nothing yet.
func (p plan) comings(h *home) ([]coming, error) {
	var list []coming
	for n := range p.starts {
		for _, fresh := range []bool{false, true} {
			at := h
			if fresh {
				at = &home{program: h.program, dir: filepath.Join(p.dir, "new-"+strconv.Itoa(n))}
			}
			c, err := at.come()
			if err != nil {
				return nil, err
			}
			c.fresh = fresh
			list = append(list, c)
		}
	}
	return list, nil
}

func (h *home) come() (coming, error) {
	s, err := h.serve()
	if err != nil {
		return coming{}, err
	}
	time.Sleep(time.Second) // idle
	all, own, err := s.resident()
	return coming{ready: s.ready.Seconds(), all: all, own: own}, errors.Join(err, s.stop())
}
