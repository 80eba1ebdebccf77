package revocation_test

import (
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/revocation"
)

const issuer = "https://id.example.com"

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func at(epoch, seq uint64) revocation.Cursor { return revocation.Cursor{Epoch: epoch, Seq: seq} }

// entry puts a rule at 1:seq, appended at noon.
func entry(seq uint64, r revocation.Rule) revocation.Entry {
	return revocation.Entry{Cursor: at(1, seq), At: noon, Rule: r}
}

func ended(scope revocation.Scope, id string) revocation.Rule {
	return revocation.Rule{Scope: scope, ID: id, Action: revocation.Revoke, Reason: "test", Until: noon.Add(time.Hour)}
}

func indexOf(t *testing.T, entries ...revocation.Entry) *revocation.Index {
	t.Helper()
	x := revocation.NewIndex(issuer)
	if err := x.Apply(entries...); err != nil {
		t.Fatal(err)
	}
	return x
}

// ada is a token that every scope can name, signed when the log stood at 1:5.
func ada() revocation.Query {
	return revocation.Query{
		Issuer: issuer, ID: "token", SessionID: "session", Subject: "42", Tenant: "acme", KeyID: "key",
		Rev: at(1, 5), HasRev: true, IssuedAt: noon.Add(-time.Minute),
	}
}
