package feed

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/jotkeeper/jotkeeper/revocation"
)

// OriginConfig says whose feed is asked. Issuer and Token are required.
type OriginConfig struct {
	Issuer    string            // whose rules
	URL       string            // where the feed is; empty: the issuer. https, or this machine
	Token     string            // a credential, for AppendScope where rules are appended
	Transport http.RoundTripper // as for a Client
}

// An Origin is somebody else's feed, for single questions. It is safe for
// concurrent use. NewOrigin makes one.
type Origin struct{ c *Client }

// NewOrigin makes an Origin. It fails with ErrConfig, and touches no network.
func NewOrigin(cfg OriginConfig) (*Origin, error) {
	c, err := newClient(ClientConfig{Issuer: cfg.Issuer, URL: cfg.URL, Token: cfg.Token, Transport: cfg.Transport})
	if err != nil {
		return nil, err
	}
	if c.own != nil {
		c.own.ResponseHeaderTimeout = 0 // a receipt takes its time
	}
	return &Origin{c}, nil
}

// Push appends rules at the origin, and returns the receipt as soon as every
// connected follower has them in force, after wait at the latest (up to 25 s, in
// whole seconds; 0: at once). A receipt that is not Complete is no error: the
// rules are in the log.
//
// It fails with revocation.ErrBadRule and what is wrong with them,
// ErrUnauthorized, ErrUnavailable, ErrProtocol, or an error of the network. Then
// they may be in the log or not; to push them again is safe.
func (o *Origin) Push(ctx context.Context, wait time.Duration, rules ...revocation.Rule) (Receipt, error) {
	var body pushed
	for _, r := range rules {
		body.Rules = append(body.Rules, rule{string(r.Scope), r.ID, r.Action.String(), r.From, r.Until, r.Reason})
	}
	text, err := json.Marshal(body)
	if err != nil {
		return Receipt{}, fmt.Errorf("%w: %w", revocation.ErrBadRule, err)
	}
	f, err := o.reach(ctx)
	defer o.leave()
	if err != nil {
		return Receipt{}, err
	}
	if f.doc.Rules == "" {
		return Receipt{}, fmt.Errorf("%w: it takes no rules", ErrProtocol)
	}
	seconds := min(int((wait+time.Second-1)/time.Second), longPoll)
	query := url.Values{"wait": {"connected"}, "timeout": {strconv.Itoa(seconds)}}
	status, answer, err := f.post(ctx, f.doc.Rules, query.Encode(), text, wait+2*answerTimeout)
	if err != nil {
		return Receipt{}, err
	}
	return receiptOf(status, answer)
}

// reach reads the document.
func (o *Origin) reach(ctx context.Context) (*follower, error) {
	f := &follower{c: o.c}
	return f, f.discover(ctx)
}

// leave keeps no connection for a question that may never come.
func (o *Origin) leave() {
	if o.c.own != nil {
		o.c.own.CloseIdleConnections()
	}
}

func receiptOf(status int, text []byte) (Receipt, error) {
	if status != http.StatusOK && status != http.StatusAccepted {
		return Receipt{}, refusalOf(status, text)
	}
	var in receipt
	if err := read(text, &in); err != nil {
		return Receipt{}, err
	}
	cursor, err := revocation.ParseCursor(in.Cursor)
	if err != nil {
		return Receipt{}, fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	return Receipt{cursor, in.Connected, in.Acked, in.Absent, time.Duration(in.Took) * time.Millisecond}, nil
}

// refusalOf turns a problem (RFC 9457) into an error.
func refusalOf(status int, text []byte) error {
	var p struct {
		Detail string `json:"detail"`
	}
	_ = json.Unmarshal(text, &p)
	kind := ErrProtocol
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		kind = ErrUnauthorized
	case status == http.StatusBadRequest || status == http.StatusRequestEntityTooLarge:
		kind = revocation.ErrBadRule
	case status >= http.StatusInternalServerError:
		kind = ErrUnavailable
	}
	if p.Detail == "" {
		return fmt.Errorf("%w: the origin answers %d", kind, status)
	}
	return fmt.Errorf("%w: %s", kind, p.Detail)
}
