// Package neighbour runs the server that contenders ask over the loopback.
//
// It starts a Redis of its own, which keeps nothing on the disk, and refuses to
// use one that runs already: what others do there would be in the figures.
package neighbour

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrMissing says that this machine has no Redis.
var ErrMissing = errors.New("redis-server is not installed: its rows are left out")

// A Redis is a server of our own, with one connection to it.
type Redis struct {
	Client  *redis.Client
	process *exec.Cmd
	dir     string
}

// Start starts a Redis on a free port and waits until it answers, 20 seconds at
// most. Close it after use.
func Start() (*Redis, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, ErrMissing
	}
	addr, err := freeAddress()
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "bench-redis-")
	if err != nil {
		return nil, err
	}
	process := exec.Command(path, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
		"--dir", dir, "--logfile", filepath.Join(dir, "log"))
	if err := process.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	r := &Redis{Client: redis.NewClient(&redis.Options{Addr: addr, PoolSize: 1}), process: process, dir: dir}
	if err := r.await(); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func (r *Redis) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for r.Client.Ping(ctx).Err() != nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

// Close ends the server and removes what it kept.
func (r *Redis) Close() error {
	err := errors.Join(r.Client.Close(), r.process.Process.Kill())
	var killed *exec.ExitError
	if end := r.process.Wait(); !errors.As(end, &killed) {
		err = errors.Join(err, end)
	}
	return errors.Join(err, os.RemoveAll(r.dir))
}
