package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/jotkeeper/jotkeeper/examples/facepage"
)

func (p *program) demoCommand() *cobra.Command {
	var addr, part string
	c := &cobra.Command{
		Use: "demo", Short: "show it all in a browser", Args: takes(0, 0),
		Long: "Runs Facepage, an application where you log in and see your face, as four processes: an auth server, the\n" +
			"application, its API, a service that only verifies. Open the one URL that it prints: each page is a problem\n" +
			"that such applications have, a button, and what then happened in every process. It needs no configuration,\n" +
			"no network and no JavaScript, and can be reached from this machine only. Ctrl-C stops all four and deletes\n" +
			"what they kept.",
		Example: "  jotkeeper demo\n  jotkeeper demo --addr 127.0.0.1:0",
		RunE: func(c *cobra.Command, _ []string) error {
			if part != "" {
				return p.playPart(c.Context(), part)
			}
			return p.demo(c.Context(), addr, time.Now())
		},
	}
	c.Flags().StringVar(&addr, "addr", "127.0.0.1:8088", "address of the pages, of this machine; port 0 takes a free one")
	c.Flags().StringVar(&part, "part", "", "play one of the parts")
	if err := c.Flags().MarkHidden("part"); err != nil {
		panic(err)
	}
	return exits(c, exitOK, exitOther, exitUsage, exitOutside, exitConfig)
}

// A demo is one run of Facepage: the pages in this process, the others beside it.
type demo struct {
	p     *program
	dir   string // of the auth server; the demonstration keeps nothing else
	said  *facepage.Lines
	cast  []*facepage.Process
	parts sync.WaitGroup
	fell  chan error // a part that does not start
}

func (p *program) demo(ctx context.Context, addr string, started time.Time) error {
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return fail(exitConfig, "--addr "+addr+" is not host:port", "--addr 127.0.0.1:8088")
	}
	if !loopback(hostOf(addr)) {
		return fail(exitConfig, "--addr "+addr+" could be reached by others, and the pages show everybody's mail", "--addr 127.0.0.1:8088")
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	l, err := listen(ctx, addr)
	if err != nil {
		return insteadOf(err, "jotkeeper demo --addr "+nextPort(addr))
	}
	defer l.Close()
	dir, err := os.MkdirTemp("", "jotkeeper-demo-*")
	if err != nil {
		return makeFault("the temporary directory", err)
	}
	defer os.RemoveAll(dir)
	d := &demo{p: p, dir: dir, said: facepage.NewLines(), fell: make(chan error, 3)}
	playing, leave := context.WithCancel(ctx)
	defer d.parts.Wait()
	defer leave()
	return d.play(playing, l, started)
}

// insteadOf gives a port that is taken the remedy of this command.
func insteadOf(err error, try string) error {
	var f *fault
	if errors.Is(err, syscall.EADDRINUSE) && errors.As(err, &f) {
		f.Try = []string{try}
	}
	return err
}

// play starts the parts, then shows the pages until ctx ends or a part cannot start.
func (d *demo) play(ctx context.Context, l net.Listener, started time.Time) error {
	orders := facepage.Orders{
		Addr: "127.0.0.1:0", Audience: "facepage.localhost", Follow: "jkf_" + rand.Text() + rand.Text(), Desk: rand.Text() + rand.Text(),
		Pages: "http://" + l.Addr().String(), DataDir: filepath.Join(d.dir, "data"),
	}
	var err error
	if orders.Issuer, err = d.start(ctx, facepage.Accounts, orders); err != nil {
		return err
	}
	orders.DataDir = ""
	web := facepage.WebConfig{Orders: orders, Lines: d.said, PID: os.Getpid()}
	orders.Desk, orders.Pages = "", ""
	if web.API, err = d.start(ctx, facepage.API, orders); err != nil {
		return err
	}
	if web.Verifier, err = d.start(ctx, facepage.Verifier, orders); err != nil {
		return err
	}
	web.Cast = d.cast
	return d.show(ctx, l, web, started)
}

// start runs a part and waits until it is ready.
func (d *demo) start(ctx context.Context, name string, orders facepage.Orders) (string, error) {
	part := &facepage.Process{
		Name: name, Lines: facepage.NewLines(), Died: func(text string) { d.p.say("%s", text) },
		Command: func(ctx context.Context) *exec.Cmd { return d.p.again(ctx, "demo", "--part", name) },
	}
	d.cast = append(d.cast, part)
	ready := make(chan string, 1)
	d.parts.Go(func() {
		if err := part.Run(ctx, orders, func(url string) { offer(ready, url) }); err != nil {
			d.fell <- err
		}
	})
	select {
	case url := <-ready:
		return url, nil
	case err := <-d.fell:
		return "", partFault(err)
	case <-ctx.Done():
		return "", nil
	}
}

func offer(ready chan<- string, url string) {
	select {
	case ready <- url:
	default: // it was started again: nobody waits
	}
}

func partFault(err error) error {
	return &fault{Code: exitOther, Text: err.Error(), Try: []string{"jotkeeper demo, once more"}, Err: err}
}

// again is a command line of this very program.
func (p *program) again(ctx context.Context, args ...string) *exec.Cmd {
	path, err := os.Executable()
	if err != nil {
		path = os.Args[0]
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Args[0], cmd.Env = os.Args[0], []string{"PATH=" + p.env["PATH"], "HOME=" + p.env["HOME"]}
	return cmd
}

// show serves the pages.
func (d *demo) show(ctx context.Context, l net.Listener, cfg facepage.WebConfig, started time.Time) error {
	if ctx.Err() != nil {
		return nil
	}
	web, err := facepage.NewWeb(cfg)
	if err != nil {
		return err
	}
	defer web.Close()
	server := &http.Server{Handler: signedAnswers(web), ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	if err := d.warm(ctx, web); err != nil {
		return errors.Join(err, server.Close())
	}
	if ctx.Err() == nil {
		fmt.Fprintf(d.p.stderr, "jotkeeper: ready on %s in %d ms\n\nOpen it in a browser. Ctrl-C stops everything and deletes what was kept.\n", cfg.Orders.Pages, time.Since(started).Milliseconds())
	}
	select {
	case err = <-served:
		return &fault{Code: exitOutside, Text: "the port was lost: " + netCause(err), Try: []string{"jotkeeper demo"}, Err: err}
	case err = <-d.fell:
		err = partFault(err)
	case <-ctx.Done():
		err = nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	return errors.Join(err, server.Shutdown(ctx))
}

// warm waits until every part knows what it has to know.
func (d *demo) warm(ctx context.Context, web *facepage.Web) error {
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	if err := web.Warm(ctx); errors.Is(err, context.DeadlineExceeded) {
		return fail(exitOther, "the parts do not hear of each other", "jotkeeper demo, once more; does something on this machine block connections to 127.0.0.1?")
	}
	return nil
}

// playPart is one of the parts, in a process of its own. Its input tells it what
// to do, and ends when whoever started it is gone.
func (p *program) playPart(ctx context.Context, part string) error {
	// A terminal sends an interrupt to all of them, and the parent decides. When the
	// parent is gone nobody reads what is said here, and that is no reason to die
	// before everything is put away.
	signal.Ignore(os.Interrupt, syscall.SIGPIPE)
	var orders facepage.Orders
	in := json.NewDecoder(io.LimitReader(p.stdin, 64<<10))
	if err := in.Decode(&orders); err != nil {
		return usage("a part is started by jotkeeper demo, which tells it what to do")
	}
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	go func() {
		defer leave()
		_, _ = io.Copy(io.Discard, p.stdin)
	}()
	if part == facepage.Accounts {
		return p.keepAccounts(ctx, orders)
	}
	l, err := listen(ctx, orders.Addr)
	if err != nil {
		return err
	}
	return facepage.Serve(ctx, part, l, orders, p.stderr)
}

// keepAccounts is jotkeeper serve with the demonstration's own settings, and its
// routes beside the server's. What it kept goes with whoever started it.
func (p *program) keepAccounts(ctx context.Context, o facepage.Orders) error {
	s := newSettings(environment{})
	s.Addr, s.DataDir, s.AppDomains, s.LogFormat = o.Addr, o.DataDir, []string{o.Audience}, "text"
	s.JWKSMaxAge = 2 * time.Second // a key signs three of them after it was made: the page about that should not be waited for
	if err := os.MkdirAll(o.DataDir, 0o700); err != nil {
		return makeFault(o.DataDir, err)
	}
	s.FeedTokenFile = filepath.Join(o.DataDir, "follow")
	if err := replaceSecretFile(s.FeedTokenFile, o.Follow); err != nil {
		return err
	}
	l, err := listen(ctx, s.Addr)
	if err != nil {
		return err
	}
	defer l.Close()
	s.Addr = l.Addr().String()
	s.complete()
	signals := make(chan os.Signal, 1)
	stop := context.AfterFunc(ctx, func() { signals <- syscall.SIGTERM })
	defer stop()
	e := &evening{p: p, set: s, log: p.logger(s.LogFormat)}
	e.beside = func(h *house, next http.Handler) (http.Handler, error) {
		o.Issuer = s.Issuer
		return facepage.Desk(ctx, facepage.DeskConfig{
			Orders: o, Backend: h.backend, Accounts: h.accounts, Sessions: h.sessions, Keys: h.keys, Clock: h.clock, Log: e.log,
		}, next)
	}
	err = e.enter(context.WithoutCancel(ctx), l, time.Now(), signals)
	if ctx.Err() == nil {
		return err // it will be started again, and goes on with what it kept
	}
	return errors.Join(err, os.RemoveAll(filepath.Dir(o.DataDir)))
}
