package revocation_test

import (
	"fmt"
	"time"

	"github.com/jotkeeper/jotkeeper/revocation"
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
