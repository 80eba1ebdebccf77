package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

func (p *program) serveCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "serve", Short: "run the auth server", Args: takes(0, 0),
		Long: "Runs the auth server: sign-up, login, refresh, logout, keys, revocations. Nothing has to be configured:\n" +
			"it makes its data directory with database, master key, signing key, admin password, then listens on\n" +
			"this machine. Ctrl-C or SIGTERM lets requests under way finish, a second one stops at once; SIGHUP reads\n" +
			"the TLS files again. Everything it says goes to stderr.",
		Example: "  jotkeeper serve\n" +
			"  jotkeeper serve --addr 127.0.0.1:8081 --data-dir ./other\n" +
			"  jotkeeper serve --addr :443 --issuer https://id.example.com --tls-cert tls.crt --tls-key tls.key\n" +
			"  jotkeeper serve --addr :8080 --issuer https://id.example.com --behind-proxy 10.0.0.0/8 --app-domains app.example.com",
		RunE: func(c *cobra.Command, _ []string) error { return p.serve(c.Context(), time.Now()) },
	}
	p.settingFlags(c, everyOption)
	return exits(c, exitOK, exitOther, exitUsage, exitOutside, exitConfig)
}

// The limits of a connection. What they bound is small: a body is at most
// 64 KiB, a header little more than a token or two.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 15 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 32 << 10
	drainTimeout  = 20 * time.Second
)

// An evening is one run of the server: what it holds from start to end.
type evening struct {
	p     *program
	set   *settings
	log   *slog.Logger
	cert  *certificate // nil: no TLS
	house *house
	http  *http.Server

	// beside puts further routes beside the auth server's; nil: there are none.
	beside func(*house, http.Handler) (http.Handler, error)
}

// serve runs from the first setting to the last answer.
func (p *program) serve(ctx context.Context, started time.Time) error {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	s, err := p.load()
	if err != nil {
		return err
	}
	e := &evening{p: p, set: s, log: p.logger(s.LogFormat)}
	if s.TLSCert != "" {
		if e.cert, err = openCertificate(s.TLSCert, s.TLSKey); err != nil {
			return fail(exitConfig, "the certificate cannot be used: "+err.Error(), "jotkeeper config check")
		}
	}
	l, err := listen(ctx, s.Addr)
	if err != nil {
		return err
	}
	defer l.Close()
	s.settle(l.Addr())
	return e.enter(ctx, l, started, signals)
}

// enter takes the data directory, opens every room, serves.
func (e *evening) enter(ctx context.Context, l net.Listener, started time.Time, signals <-chan os.Signal) error {
	dir, err := openDataDir(e.set.DataDir, e.set.home)
	if err != nil {
		return err
	}
	lock, err := dir.lock(e.url())
	if err != nil {
		return err
	}
	defer lock.release()
	if e.house, err = e.set.open(ctx, dir, func(text string) { e.log.Warn(text) }); err != nil {
		return err
	}
	err = e.play(ctx, l, signals, func() {
		fmt.Fprint(e.p.stderr, e.set.banner(dir, e.url(), time.Since(started)))
	})
	return errors.Join(err, e.house.close())
}

// play answers on l until somebody says stop, and waits for what runs beside it.
func (e *evening) play(ctx context.Context, l net.Listener, signals <-chan os.Signal, ready func()) error {
	handler, err := e.handler()
	if err == nil {
		err = e.set.leave()
	}
	if err != nil {
		return err
	}
	chores, stop := e.house.keepUp(ctx, e.log)
	e.http = e.server(handler)
	// Streams end by themselves when the server drains, or it would wait for them.
	following, leave := context.WithCancel(ctx)
	defer leave()
	e.http.RegisterOnShutdown(leave)
	chores.Go(func() { _ = e.house.feed.Run(following) })
	err = e.run(ctx, l, signals, ready)
	stop()
	leave()
	chores.Wait()
	return err
}

// settle fills in what only the open port tells.
func (s *settings) settle(at net.Addr) {
	host, _, err := net.SplitHostPort(s.Addr)
	_, port, aerr := net.SplitHostPort(at.String())
	if err != nil || aerr != nil {
		return
	}
	s.Addr = net.JoinHostPort(host, port)
	if s.Issuer == "" {
		s.Issuer = s.issuerAt(s.Addr)
	}
}

func (e *evening) url() string {
	if e.cert != nil {
		return "https://" + e.set.Addr
	}
	return "http://" + e.set.Addr
}

func (e *evening) server(handler http.Handler) *http.Server {
	srv := &http.Server{
		Handler:           signedAnswers(handler),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(e.log.Handler(), slog.LevelDebug),
	}
	if e.cert != nil {
		srv.TLSConfig = e.cert.config()
	}
	return srv
}

// signedAnswers gives every answer its Server header, by which a second serve knows
// what it has met on its port.
func signedAnswers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", serverName)
		next.ServeHTTP(w, r)
	})
}

// run serves until a signal, then drains.
func (e *evening) run(ctx context.Context, l net.Listener, signals <-chan os.Signal, ready func()) error {
	if err := e.house.caughtUp(ctx); err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() {
		if e.cert != nil {
			served <- e.http.ServeTLS(l, "", "")
			return
		}
		served <- e.http.Serve(l)
	}()
	ready()
	for {
		select {
		case err := <-served:
			return &fault{Code: exitOutside, Text: "the port was lost: " + netCause(err), Try: []string{"jotkeeper serve"}, Err: err}
		case sig := <-signals:
			if sig != syscall.SIGHUP {
				return e.drain(ctx, signals)
			}
			e.reload()
		}
	}
}

// reload reads the TLS files again; a bad pair changes nothing.
func (e *evening) reload() {
	if e.cert == nil {
		e.log.Info("reload: there are no TLS files to read again")
		return
	}
	if err := e.cert.reload(); err != nil {
		e.log.Error("reload: the certificate is kept, the new one cannot be used", "error", err.Error())
		return
	}
	e.log.Info("reload: the certificate was read again")
}

// drain takes no new work, lets what is under way finish, gives up after a
// while or at a second signal.
func (e *evening) drain(ctx context.Context, signals <-chan os.Signal) error {
	e.p.say("stopping when the requests under way are answered; again to stop at once")
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- e.http.Shutdown(ctx) }()
	for {
		select {
		case err := <-done:
			if err != nil {
				e.http.Close()
				return fail(exitOther, "requests were still under way after "+formatSpan(drainTimeout)+" and were cut off", "look at the log for slow requests")
			}
			return nil
		case sig := <-signals:
			if sig != syscall.SIGHUP {
				e.http.Close()
				return fail(exitOther, "stopped at once, requests under way were cut off", "one signal, and a little patience")
			}
		}
	}
}
