package jwks

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jotkeeper/jotkeeper/internal/courier"
)

// A fetcher gets key sets from one place. It is used by one goroutine at a time.
type fetcher struct {
	client    http.Client
	issuer    string // when the place is found by discovery
	url       string // of the key set; "" until discovered
	maxAge    time.Duration
	transport *http.Transport // our own, to be closed
}

func newFetcher(cfg RemoteConfig) fetcher {
	f := fetcher{issuer: cfg.Issuer, url: cfg.URL, maxAge: cfg.MaxAge}
	if cfg.Client != nil {
		f.client = *cfg.Client
	} else {
		f.transport = ownTransport()
		f.client.Transport = f.transport
	}
	return f
}

func ownTransport() *http.Transport {
	t := courier.Transport()
	t.MaxResponseHeaderBytes = 64 << 10
	return t
}

func (f *fetcher) close() {
	if f.transport != nil {
		f.transport.CloseIdleConnections()
	}
}

// fetch returns the set that is published now, as the successor of old.
func (f *fetcher) fetch(ctx context.Context, old *fetched) (*fetched, error) {
	at := time.Now()
	if f.url == "" {
		u, err := Discover(ctx, &f.client, f.issuer)
		if err != nil {
			return nil, err
		}
		f.url = u
	}
	next, err := f.fetchSet(ctx, at, old)
	if err != nil && f.issuer != "" {
		f.url = "" // it may have moved
	}
	return next, err
}

func (f *fetcher) fetchSet(ctx context.Context, at time.Time, old *fetched) (*fetched, error) {
	etag := ""
	if old != nil {
		etag = old.etag
	}
	a, err := get(ctx, &f.client, f.url, etag)
	if err != nil {
		return nil, err
	}
	if a.unchanged {
		same := *old
		same.at, same.maxAge = at, a.freshFor(f.maxAge)
		return &same, nil
	}
	set, skipped, err := Parse(a.body)
	if err != nil {
		return nil, err
	}
	if len(set.Keys()) == 0 {
		return nil, errors.Join(append([]error{badSet("not one key of it can be used")}, skipped...)...)
	}
	next := &fetched{set: set, skipped: skipped, at: at, etag: a.header.Get("ETag"), maxAge: a.freshFor(f.maxAge)}
	return next.adopt(old), nil
}

// An answer is a whole document that a server sent.
type answer struct {
	body      []byte
	header    http.Header
	unchanged bool // 304: the document is the one of the ETag
}

// get asks for a document. It follows redirects within one host, reads at most
// 256 KiB, and lets ctx end it at any byte.
func get(ctx context.Context, client *http.Client, from, etag string) (*answer, error) {
	u, err := safeURL(from)
	if err != nil {
		return nil, badFetch("%v", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, badFetch("%v", err)
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	req.Header.Set("Accept-Encoding", "identity") // a bomb that is not unpacked is no bomb
	if etag != "" {
		req.Header.Set("If-None-Match", etag)
	}
	strict := *client
	strict.CheckRedirect, strict.Jar = sameHost, nil
	resp, err := strict.Do(req)
	if err != nil {
		return nil, badFetch("%v", err)
	}
	defer resp.Body.Close()
	return read(resp, u, etag)
}

func read(resp *http.Response, u *url.URL, etag string) (*answer, error) {
	switch packed := resp.Header.Get("Content-Encoding"); {
	case resp.StatusCode == http.StatusNotModified && etag != "":
		return &answer{header: resp.Header, unchanged: true}, nil
	case resp.StatusCode != http.StatusOK:
		return nil, badFetch("%s answered %s", u, resp.Status)
	case packed != "" && packed != "identity":
		return nil, badFetch("%s answered with the encoding %q, which was not asked for", u, packed)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxDocument+1))
	if err != nil {
		return nil, badFetch("%s broke off: %v", u, err)
	}
	if len(body) > maxDocument {
		return nil, badFetch("%s answered with more than %d bytes", u, maxDocument)
	}
	return &answer{body: body, header: resp.Header}, nil
}

// freshFor returns for how long the answer may be relied on (RFC 9111 §4.2), or
// otherwise when its server did not say. What a cache on the way used up is gone.
func (a *answer) freshFor(otherwise time.Duration) time.Duration {
	for directive := range strings.SplitSeq(strings.ToLower(a.header.Get("Cache-Control")), ",") {
		directive = strings.TrimSpace(directive)
		if directive == "no-store" || directive == "no-cache" {
			return 0
		}
		if n, ok := strings.CutPrefix(directive, "max-age="); ok {
			return max(0, seconds(n)-seconds(a.header.Get("Age")))
		}
	}
	return otherwise
}

// seconds reads a delta-seconds, 0 for what is none, at most a year.
func seconds(text string) time.Duration {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(min(n, 365*24*3600)) * time.Second
}

// sameHost follows a redirect only to where the request was meant to go anyway:
// whoever can redirect must not choose who says which keys are good.
func sameHost(req *http.Request, via []*http.Request) error {
	first := via[0].URL
	switch {
	case len(via) > 3:
		return errors.New("more than 3 redirects")
	case !strings.EqualFold(req.URL.Host, first.Host):
		return errors.New("redirected to another host, " + req.URL.Host)
	case req.URL.Scheme != first.Scheme:
		return errors.New("redirected from " + first.Scheme + " to " + req.URL.Scheme)
	}
	return nil
}

// safeURL parses a URL that may be asked for keys.
func safeURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("not a URL; write https://host/path")
	}
	switch {
	case u.Host == "" || u.Opaque != "":
		return nil, errors.New(strconv.Quote(raw) + " names no host; write https://host/path")
	case u.User != nil:
		return nil, errors.New("the URL holds a user or password; remove it")
	case u.Fragment != "":
		return nil, errors.New(strconv.Quote(raw) + " has a fragment; remove it")
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return u, nil
	}
	return nil, errors.New(strconv.Quote(raw) + " is not https; keys come over plain http from this machine only")
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
