package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"time"

	"github.com/redis/go-redis/v9"
)

var errNoRedis = errors.New("redis-server is not installed: its rows are left out")

// A neighbour is a Redis of our own on the loopback.
type neighbour struct {
	process *exec.Cmd
	dir     string
	client  *redis.Client
}

func startRedis(keys int) (*neighbour, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, errNoRedis
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		return nil, err
	}
	n := &neighbour{}
	if n.dir, err = os.MkdirTemp("", "bench-redis-"); err != nil {
		return nil, err
	}
	n.process = exec.Command(path, "--port", fmt.Sprint(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", n.dir)
	if err := n.process.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(n.dir))
	}
	n.client = redis.NewClient(&redis.Options{Addr: fmt.Sprintf("127.0.0.1:%d", port), PoolSize: 1})
	if err := n.fill(keys); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

// fill waits until the server answers, and gives it as many revoked IDs.
func (n *neighbour) fill(keys int) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for n.client.Ping(ctx).Err() != nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	for i := 0; i < keys; {
		pipe := n.client.Pipeline()
		for range 1000 {
			pipe.Set(ctx, fmt.Sprint("revoked:", i), 1, time.Hour)
			i++
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// exists asks about one ID, as a deny list in Redis is asked.
func (n *neighbour) exists(id string) error {
	found, err := n.client.Exists(context.Background(), "revoked:"+id).Result()
	if err == nil && found != 0 {
		err = errors.New("it was never revoked")
	}
	return err
}

func (n *neighbour) Close() error {
	return errors.Join(n.client.Close(), n.process.Process.Kill(), ignore(n.process.Wait()), os.RemoveAll(n.dir))
}

// ignore drops the end of a process that was killed.
func ignore(err error) error {
	var killed *exec.ExitError
	if errors.As(err, &killed) {
		return nil
	}
	return err
}
