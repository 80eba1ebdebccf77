package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/keyring"
)

// A patient is a data directory that a server once had, opened for a doctor
// whose clock the test sets.
func patient(t *testing.T, now func() time.Time, args ...string) *examination {
	t.Helper()
	home := t.TempDir()
	p := &program{env: environment{"HOME": home}, stdout: io.Discard, stderr: io.Discard, flags: map[string]given{}}
	s := newSettings(p.env)
	s.complete()
	dir, err := openDataDir(s.DataDir, s.home)
	if err != nil {
		t.Fatal(err)
	}
	h, err := s.open(t.Context(), dir, func(text string) { t.Log(text) })
	if err != nil {
		t.Fatal(err)
	}
	if err := h.close(); err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(args); i += 2 {
		p.flags[args[i]] = given{"--" + args[i], args[i+1]}
	}
	return &examination{p: p, now: now}
}

func named(found []finding, name string) finding {
	for _, f := range found {
		if f.Name == name {
			return f
		}
	}
	return finding{}
}

// issuerWith answers as an issuer whose clock and keys the test sets.
func issuerWith(t *testing.T, date time.Time, keys string) *httptest.Server {
	var srv *httptest.Server
	srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", date.UTC().Format(http.TimeFormat))
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "openid-configuration") {
			json.NewEncoder(w).Encode(map[string]string{"issuer": srv.URL, "jwks_uri": srv.URL + "/jwks"})
			return
		}
		io.WriteString(w, keys)
	}))
	t.Cleanup(srv.Close)
	return srv
}

const someoneElsesKeys = `{"keys":[{"kty":"EC","use":"sig","alg":"ES256","kid":"other","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}`

func TestDoctorSeesAWrongClock(t *testing.T) {
	for off, state := range map[time.Duration]string{0: well, 2 * time.Second: well, -time.Minute: ill, time.Minute: ill} {
		issuer := issuerWith(t, time.Now().Add(off), someoneElsesKeys)
		f := named(patient(t, time.Now, "issuer", issuer.URL).examine(t.Context()), "clock")
		if f.State != state || state == ill && (!strings.Contains(f.Says, "differ by") || f.Try != "timedatectl set-ntp true, on both machines") {
			t.Errorf("off by %v: %+v", off, f)
		}
	}
}

func TestDoctorSeesAClockBehindTheDatabase(t *testing.T) {
	x := patient(t, func() time.Time { return time.Now().Add(-time.Hour) })
	if f := named(x.examine(t.Context()), "clock"); f.State != ill || !strings.Contains(f.Says, "the clock is behind: the database was written in 1 h 0 min") && !strings.Contains(f.Says, "in 59 min") {
		t.Errorf("%+v", f)
	}
}

func TestDoctorSeesKeysThatAreNotPublished(t *testing.T) {
	issuer := issuerWith(t, time.Now(), someoneElsesKeys)
	found := patient(t, time.Now, "issuer", issuer.URL).examine(t.Context())
	if f := named(found, "published keys"); f.State != ill || !strings.Contains(f.Says, "is not published at "+issuer.URL) {
		t.Errorf("%+v", f)
	}
	if f := named(found, "issuer"); f.State != well {
		t.Errorf("%+v", f)
	}
}

func TestDoctorSeesThatNoNextKeyWaits(t *testing.T) {
	x := patient(t, time.Now)
	x.settings()
	h, err := x.set.openStore(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	keys := h.backend.Set().Keys
	all, err := keys.Keys(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range all {
		if k.SignsFrom.After(time.Now()) {
			gone := k
			gone.State = keyring.Compromised
			if err := keys.Swap(t.Context(), k, gone); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := h.close(); err != nil {
		t.Fatal(err)
	}
	x.found = nil
	if f := named(x.examine(t.Context()), "signing keys"); f.State != ill || !strings.Contains(f.Says, "no next key is published") || f.Try == "" {
		t.Errorf("%+v", f)
	}
}

// Behind a name that others reach, an empty list of applications refuses all of
// their pages. That may be meant, so it is a warning and no exit code.
func TestDoctorWarnsOfNoApplications(t *testing.T) {
	for _, c := range []struct{ issuer, domains, state string }{
		{"https://id.example.com", "", odd}, {"https://id.example.com", "app.example.com", well}, {"http://127.0.0.1:1", "", well},
	} {
		args := []string{"issuer", c.issuer}
		if c.domains != "" {
			args = append(args, "app-domains", c.domains)
		}
		x := patient(t, time.Now, args...) // only this look: the others would ask the network
		x.settings()
		x.applications()
		f := named(x.found, "applications")
		if f.State != c.state || c.state == odd && (!strings.Contains(f.Says, "--app-domains is empty") || !strings.HasPrefix(f.Try, "--app-domains app.example.com")) {
			t.Errorf("%+v: %+v", c, f)
		}
	}
	var out strings.Builder
	p := &program{stdout: &out, flags: map[string]given{}}
	if err := p.writeFindings([]finding{{Name: "applications", State: odd, Says: "hm", Try: "that"}}); err != nil || !strings.Contains(out.String(), "try: that") {
		t.Errorf("a warning ends with %v and prints %q", err, out.String())
	}
}
