package main

import (
	"context"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"github.com/jotkeeper/jotkeeper/bench/neighbour"
)

// A counted Redis tells how often it was asked.
type counted struct {
	*neighbour.Redis
	calls atomic.Int64
}

func startRedis() (*counted, error) {
	r, err := neighbour.Start()
	if err != nil {
		return nil, err
	}
	n := &counted{Redis: r}
	n.Client.AddHook(n)
	return n, nil
}

// DialHook lets connections be made as they are.
func (n *counted) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook counts commands.
func (n *counted) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		n.calls.Add(1)
		return next(ctx, cmd)
	}
}

// ProcessPipelineHook counts a pipeline as one call.
func (n *counted) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		n.calls.Add(1)
		return next(ctx, cmds)
	}
}
