package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jotkeeper/jotkeeper/bench/neighbour"
)

// A denyList is a Redis with revoked IDs in it.
type denyList struct{ *neighbour.Redis }

func startRedis(keys int) (*denyList, error) {
	r, err := neighbour.Start()
	if err != nil {
		return nil, err
	}
	d := &denyList{r}
	if err := d.fill(keys); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// fill gives it as many revoked IDs.
func (d *denyList) fill(keys int) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for i := 0; i < keys; {
		pipe := d.Client.Pipeline()
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
func (d *denyList) exists(id string) error {
	found, err := d.Client.Exists(context.Background(), "revoked:"+id).Result()
	if err == nil && found != 0 {
		err = errors.New("it was never revoked")
	}
	return err
}
