package authserver

import (
	"net/http"
	"net/netip"
	"strings"
)

// maxHops bounds how many addresses of X-Forwarded-For are read.
const maxHops = 16

// A peer is who sent a request, seen through the proxies that are trusted.
type peer struct {
	address string // of the client; one of ours or made of digits, so it needs no encoding
	plain   bool   // the client spoke plain HTTP, as far as is known
}

// proxies are the networks whose forwarding headers are believed. From anyone
// else X-Forwarded-For and X-Forwarded-Proto are just text.
type proxies []netip.Prefix

func (p proxies) trusts(addr netip.Addr) bool {
	for _, prefix := range p {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// peer finds the client of a request.
func (p proxies) peer(r *http.Request) peer {
	who, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return peer{address: "unknown", plain: r.TLS == nil}
	}
	addr := who.Addr().Unmap().WithZone("")
	if !p.trusts(addr) {
		return peer{address: addr.String(), plain: r.TLS == nil}
	}
	return peer{address: p.client(addr, r).String(), plain: !p.overTLS(r)}
}

// client walks X-Forwarded-For from its end, the part that trusted proxies
// wrote, to the first address that is not one of theirs.
func (p proxies) client(addr netip.Addr, r *http.Request) netip.Addr {
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && i >= len(hops)-maxHops; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		if addr = hop.Unmap().WithZone(""); !p.trusts(addr) {
			break
		}
	}
	return addr
}

// overTLS reports whether a trusted proxy was spoken to over TLS. One that
// says nothing is believed to terminate TLS, as --behind-proxy promises; a
// header with anything but https in it is a request that came over plain HTTP.
func (p proxies) overTLS(r *http.Request) bool {
	for _, proto := range strings.Split(strings.Join(r.Header.Values("X-Forwarded-Proto"), ","), ",") {
		if proto = strings.TrimSpace(proto); proto != "" && !strings.EqualFold(proto, "https") {
			return false
		}
	}
	return true
}
