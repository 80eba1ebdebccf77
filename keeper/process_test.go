package keeper_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
	"github.com/jotkeeper/jotkeeper/keyring"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/secret"
	"github.com/jotkeeper/jotkeeper/store/sqlite"
)

// A program is what another process runs: an application with a keeper over a
// file that others use too.
type program struct {
	File, Master      string
	Versions, Retired []string
	Ahead             time.Duration // of its clock
	Doomed            bool          // it is killed once it has recorded a renewal, before it answers
}

// The test binary run again is such a process.
const asProgram = "JOTKEEPER_TEST_PROGRAM"

func init() {
	text := os.Getenv(asProgram)
	if text == "" {
		return
	}
	var p program
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		panic(err)
	}
	if err := p.run(context.Background()); err != nil {
		panic(err)
	}
	os.Exit(0)
}

// run serves until its stdin ends.
func (p program) run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	b, err := sqlite.Open(ctx, p.File, sqlite.Options{})
	if err != nil {
		return err
	}
	defer b.Close()
	ahead := new(atomic.Int64)
	ahead.Store(int64(p.Ahead))
	k, err := p.keeper(ctx, b, func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) })
	if err != nil {
		return err
	}
	go k.Run(ctx)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := &http.Server{Handler: shopOf(k, ahead)}
	go s.Serve(l)
	fmt.Println("http://" + l.Addr().String())
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return s.Shutdown(ctx)
}

func (p program) keeper(ctx context.Context, b *sqlite.Backend, now func() time.Time) (*keeper.Keeper, error) {
	master, err := secret.ParseRing(p.Master)
	if err != nil {
		return nil, err
	}
	set := b.Set()
	ring, err := keyring.Open(ctx, now(), keyring.Config{Store: set.Keys, Master: master})
	if err != nil {
		return nil, err
	}
	cfg := keeper.Config{
		Issuer: issuer, Audience: shop, Signer: ring.Signer(jwt.KindSession), Keys: ring, Store: set.Keepers, Revocations: set.Revocations,
		Versions: p.Versions, Retired: p.Retired, Now: now,
	}
	if p.Doomed {
		cfg.Store = doomed{set.Keepers}
	}
	k, err := keeper.New(cfg)
	if err == nil {
		err = k.CatchUp(ctx)
	}
	return k, err
}

// shopOf is the application: a login, a page, a change of rights, a logout. Its
// clock can be put ahead.
func shopOf(k *keeper.Keeper, ahead *atomic.Int64) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		t, err := k.Create(r.Context(), keeper.Claims{Subject: r.FormValue("account")})
		if err == nil {
			err = k.Write(w, r, t, keeper.ByHeader)
		}
		told(w, err)
	})
	mux.HandleFunc("POST /rights", func(w http.ResponseWriter, r *http.Request) {
		told(w, k.RotateSubject(r.Context(), r.FormValue("account")))
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) { told(w, k.Clear(w, r)) })
	mux.HandleFunc("POST /pass", func(_ http.ResponseWriter, r *http.Request) {
		seconds, _ := strconv.ParseInt(r.FormValue("seconds"), 10, 64)
		ahead.Add(seconds * int64(time.Second))
	})
	mux.HandleFunc("GET /stats", func(w http.ResponseWriter, _ *http.Request) { json.NewEncoder(w).Encode(k.Stats()) })
	mux.Handle("GET /orders", k.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, _ := keeper.FromContext(r.Context())
		json.NewEncoder(w).Encode(page{t.Subject(), t.Version(), t.SessionID(), t.ID()})
	})))
	return mux
}

// A page says whose it is, and what showed it.
type page struct{ Account, Version, Session, Token string }

func told(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	}
}

// doomed kills its process between the record of a renewal and the answer.
type doomed struct{ keeper.Store }

func (d doomed) Rotate(ctx context.Context, r keeper.Rotation, q revocation.Query) (keeper.Rotation, error) {
	won, err := d.Store.Rotate(ctx, r, q)
	if err == nil {
		self, _ := os.FindProcess(os.Getpid())
		self.Kill()
		select {}
	}
	return won, err
}

// A process is a program that runs.
type process struct {
	*testing.T
	url string
	cmd *exec.Cmd
	in  io.Closer
}

// newPlace is a database that several programs use.
func newPlace(t *testing.T) program {
	return program{File: filepath.Join(t.TempDir(), "shop.db"), Master: secret.Encode(secret.Generate())}
}

func (p program) start(t *testing.T) *process {
	t.Helper()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), asProgram+"="+string(text))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the process did not start: %v", err)
	}
	return &process{T: t, url: strings.TrimSpace(url), cmd: cmd, in: in}
}

// stop ends a process when its requests are answered.
func (p *process) stop() {
	p.Helper()
	p.in.Close()
	if err := p.cmd.Wait(); err != nil {
		p.Errorf("the process ended with %v", err)
	}
}

// died waits for a process that was killed.
func (p *process) died() {
	p.Helper()
	if err := p.cmd.Wait(); err == nil || p.cmd.ProcessState.Exited() {
		p.Errorf("the process was to be killed; it ended with %v", err)
	}
	p.in.Close()
}

// client has a connection for each request, so that none outlives its process.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}

// ask sends a request with a token in the header or the cookie, and tells what
// the answer says and gives.
func (p *process) ask(method, path, token string, byCookie bool) (status int, body []byte, given string, err error) {
	r, err := http.NewRequestWithContext(p.Context(), method, p.url+path, nil)
	if err != nil {
		return 0, nil, "", err
	}
	r.Header.Set("Origin", p.url)
	switch {
	case token == "":
	case byCookie:
		r.Header.Set("Cookie", jar+"="+token)
	default:
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := client.Do(r)
	if err != nil {
		return 0, nil, "", err
	}
	defer res.Body.Close()
	body, err = io.ReadAll(res.Body)
	byHeader, cookie := held(res.Header)
	return res.StatusCode, body, byHeader + cookie, err
}

// does asks until it is done: 503 means that the process was held up, and says
// nothing while it may have missed a revocation.
func (p *process) does(method, path, token string) (given string) {
	p.Helper()
	for {
		status, body, given, err := p.ask(method, path, token, false)
		switch {
		case err == nil && status == http.StatusOK:
			return given
		case err != nil || status != http.StatusServiceUnavailable:
			p.Errorf("%s %s: %d %s %v", method, path, status, body, err)
			return ""
		}
	}
}

// renews asks until the token is renewed, as often as the process was held up.
func (p *process) renews(token string) string {
	p.Helper()
	for {
		if given := p.does("GET", "/orders", token); given != "" || p.Failed() {
			return given
		}
	}
}

func (p *process) stats() (s keeper.Stats) {
	p.Helper()
	_, body, _, err := p.ask("GET", "/stats", "", false)
	if err == nil {
		err = json.Unmarshal(body, &s)
	}
	if err != nil {
		p.Fatal(err)
	}
	return s
}

// A188: a process is killed between the record of a renewal and the answer. Who
// asked is given that very successor by the others, and nobody is logged out.
func TestA188KilledBetweenRecordAndAnswer(t *testing.T) {
	place := newPlace(t)
	steady := place.start(t)
	defer steady.stop()
	token := steady.does("POST", "/login?account=ada", "")
	steady.does("POST", "/rights?account=ada", "")
	place.Doomed = true
	victim := place.start(t)
	if status, body, given, err := victim.ask("GET", "/orders", token, false); err == nil {
		t.Fatalf("it answered %d %s, and gave %q", status, body, tail(given))
	}
	victim.died()
	next := steady.renews(token)
	if again := steady.renews(token); next == token || again != next {
		t.Errorf("after the kill it became %q, then %q", tail(next), tail(again))
	}
	if s := steady.stats(); s.Renewed != 0 || s.Repeated != 2 {
		t.Errorf("the steady process decided %d renewals, and repeated %d; want none, and 2", s.Renewed, s.Repeated)
	}
	steady.does("GET", "/orders", next)
}

// B2, A085: 64 clients bring one token that is due to two processes on one file.
func TestA085ACrowdAtTwoProcesses(t *testing.T) {
	place := newPlace(t)
	at := []*process{place.start(t), place.start(t)}
	token := at[0].does("POST", "/login?account=ada", "")
	at[0].does("POST", "/rights?account=ada", "")
	given := make([]string, 64)
	var all sync.WaitGroup
	for i := range given {
		all.Go(func() { given[i] = at[i%2].renews(token) })
	}
	all.Wait()
	for i, text := range given {
		if text == token || text != given[0] {
			t.Fatalf("client %d was given %q, the first %q", i, tail(text), tail(given[0]))
		}
	}
	here, there := at[0].stats(), at[1].stats()
	if renewed, repeated := here.Renewed+there.Renewed, here.Repeated+there.Repeated; renewed != 1 || repeated != 63 {
		t.Errorf("%d renewals were decided, and repeated %d times; want 1 and 63", renewed, repeated)
	}
	at[0].stop()
	at[1].stop()
}
