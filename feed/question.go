package feed

import (
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
)

const (
	maxQuestion   = 4 << 10 // bytes
	questionRate  = 100     // a second, of one credential
	questionBurst = 200
)

// A question is what somebody who holds no token knows of one. The names are
// those of the claims, and kid of the header.
type question struct {
	Issuer    string `json:"iss"`
	ID        string `json:"jti"`
	SessionID string `json:"sid"`
	Subject   string `json:"sub"`
	Tenant    string `json:"tid"`
	KeyID     string `json:"kid"`
	Revision  string `json:"rev"`
	IssuedAt  int64  `json:"iat"`
}

// A judgement is the answer.
type judgement struct {
	Active bool       `json:"active"`
	Renew  bool       `json:"renew,omitzero"`
	Reason jwt.Reason `json:"reason,omitzero"` // of docs/spec/reasons.md
}

// check tells what the rules say of a token by its identifiers.
func (h *Handler) check(w http.ResponseWriter, r *http.Request, by Grant) {
	said, err := h.judge(w, r, by)
	if err != nil {
		refuse(w, r, err)
		return
	}
	text, err := json.Marshal(said)
	if err != nil {
		refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Write(append(text, '\n'))
}

func (h *Handler) judge(w http.ResponseWriter, r *http.Request, by Grant) (judgement, error) {
	if busy := h.asking.take(by.Name, 1, time.Now()); busy != nil {
		return judgement{}, busy
	}
	q, err := questionOf(w, r)
	switch {
	case err != nil:
		return judgement{}, err
	case q.Issuer != h.cfg.Issuer: // our rules say nothing of anybody else's tokens
		return judgement{Reason: jwt.Issuer}, nil
	}
	v, err := h.cfg.Verdict(r.Context(), q)
	switch {
	case err != nil:
		return judgement{}, err
	case v.Action == revocation.None || v.Action == revocation.Rotate:
		return judgement{Active: true, Renew: v.Action == revocation.Rotate}, nil
	}
	return judgement{Reason: jwt.Revoked}, nil
}

// questionOf reads a question. A member that is not known is an error: it may be
// the one whose rule would have said no.
func questionOf(w http.ResponseWriter, r *http.Request) (*revocation.Query, error) {
	text, err := body(w, r, maxQuestion)
	if err != nil {
		return nil, err
	}
	var in question
	if err := json.Unmarshal(text, &in, json.RejectUnknownMembers(true)); err != nil {
		return nil, malformed(`The body is one JSON object of iss, jti, sid, sub, tid, kid and rev (strings) and iat (seconds).`)
	}
	switch {
	case in.Issuer == "":
		return nil, malformed(`"iss" is missing: whose token it is.`)
	case in.ID == "" && in.SessionID == "" && in.Subject == "" && in.Tenant == "" && in.KeyID == "":
		return nil, malformed("There is nothing that a rule could name: give jti, sid, sub, tid or kid.")
	}
	q := revocation.QueryOf(&jwt.Access{Registered: jwt.Registered{
		Issuer: in.Issuer, ID: in.ID, SessionID: in.SessionID, Subject: in.Subject, IssuedAt: jwt.Time(in.IssuedAt),
	}, Tenant: in.Tenant, Revision: in.Revision}, in.KeyID)
	return &q, nil
}
