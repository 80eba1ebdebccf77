package main

import (
	"testing"
	"time"
)

func TestASessionIsSeenInWholeHours(t *testing.T) {
	now := time.Date(2026, 11, 21, 19, 42, 49, 0, time.UTC)
	for ago, want := range map[time.Duration]string{
		42 * time.Minute: "this hour", time.Hour + 42*time.Minute: "1 h ago", 47 * time.Hour: "47 h ago", 50 * time.Hour: "2 d ago",
	} {
		if got := seen(now, now.Add(-ago)); got != want {
			t.Errorf("%v ago: %q, want %q", ago, got, want)
		}
	}
}
