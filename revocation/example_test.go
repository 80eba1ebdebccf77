package revocation_test

import (
	"context"
	"fmt"
	"time"

	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

func ExampleIndex_Check() {
	index := revocation.NewIndex("https://id.example.com")
	now := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

	// Ada logs out on her phone; her laptop stays.
	rule := revocation.SessionEnded("phone", "logout", now.Add(15*time.Minute))
	_ = index.Apply(revocation.Entry{Cursor: revocation.Cursor{Epoch: 1, Seq: 1}, At: now, Rule: rule})

	for _, sid := range []string{"phone", "laptop"} {
		v := index.Check(now, &revocation.Query{Issuer: "https://id.example.com", SessionID: sid})
		fmt.Println(sid, v.Action, v.Reason)
	}
	// Output:
	// phone revoke logout
	// laptop none
}

// A job that runs each night reads the log before it begins.
func ExampleCatchUp() {
	log := memory.New().Set().Revocations
	ctx, now := context.Background(), time.Now()
	_, _ = log.Append(ctx, now, revocation.SubjectEnded("ada", "locked", now.Add(time.Hour)))

	index := revocation.NewIndex("https://id.example.com")
	if err := revocation.CatchUp(ctx, log, index); err != nil {
		fmt.Println("do nothing tonight:", err)
		return
	}
	v := index.Check(now, &revocation.Query{Issuer: "https://id.example.com", Subject: "ada"})
	fmt.Println(v.Action, v.Reason)
	// Output: revoke locked
}
