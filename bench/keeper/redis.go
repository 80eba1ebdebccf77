package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

var errNoRedis = errors.New("redis-server is not installed: its rows are left out")

// A neighbour is a Redis of our own, on a free port of the loopback.
type neighbour struct {
	process *exec.Cmd
	dir     string
	client  *redis.Client
	calls   atomic.Int64
}

func startRedis() (*neighbour, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, errNoRedis
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	n := &neighbour{}
	if n.dir, err = os.MkdirTemp("", "bench-keeper-"); err != nil {
		return nil, err
	}
	n.process = exec.Command(path, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
		"--dir", n.dir, "--logfile", filepath.Join(n.dir, "log"))
	if err := n.process.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(n.dir))
	}
	n.client = redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + port, PoolSize: 1})
	if err := n.await(); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	n.client.AddHook(n)
	return n, nil
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return fmt.Sprint(l.Addr().(*net.TCPAddr).Port), l.Close()
}

// await returns when the server answers.
func (n *neighbour) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for n.client.Ping(ctx).Err() != nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

// DialHook lets connections be made as they are.
func (n *neighbour) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook counts commands.
func (n *neighbour) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		n.calls.Add(1)
		return next(ctx, cmd)
	}
}

// ProcessPipelineHook counts a pipeline as one call.
func (n *neighbour) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		n.calls.Add(1)
		return next(ctx, cmds)
	}
}

// Close ends the server and removes what it kept.
func (n *neighbour) Close() error {
	err := errors.Join(n.client.Close(), n.process.Process.Kill())
	var killed *exec.ExitError
	if end := n.process.Wait(); !errors.As(end, &killed) {
		err = errors.Join(err, end)
	}
	return errors.Join(err, os.RemoveAll(n.dir))
}
