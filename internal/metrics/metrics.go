package metrics

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// The closed lists of label values.
var (
	loginResults    = []string{"ok", "failed", "locked", "expired", "busy", "unavailable"}
	refreshOutcomes = []string{"same", "rotate", "replay", "heal", "ended", "reused", "late", "binding", "malformed", "missing", "retry"}
	revocationKinds = []string{"jti", "sid", "sub", "kid"}
	verdicts        = []string{"ok", "missing", "malformed", "header", "key", "signature", "issuer", "audience", "kind", "claims", "early", "expired", "revoked", "unavailable"}
	methods         = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
)

// Metrics counts what a server does. Make one with New. All methods are safe
// for concurrent use.
type Metrics struct {
	registry    *prometheus.Registry
	logins      *prometheus.CounterVec
	refreshes   *prometheus.CounterVec
	verdicts    *prometheus.CounterVec
	revocations *prometheus.CounterVec
	jwks        prometheus.Counter
	refusals    prometheus.Counter
	panics      prometheus.Counter
	durations   *prometheus.HistogramVec
	routes      []string
}

// New returns the metrics of a server with these routes; no other value will
// ever stand in the label "route" than these and "other".
func New(routes ...string) *Metrics {
	m := &Metrics{
		registry:    prometheus.NewRegistry(),
		routes:      routes,
		logins:      counters("logins_total", "Logins by result.", "result"),
		refreshes:   counters("refresh_total", "Refreshes by outcome.", "outcome"),
		verdicts:    counters("verify_total", "Access tokens looked at, by verdict.", "result"),
		revocations: counters("revocations_total", "Revocations by kind of rule.", "kind"),
		jwks:        counter("jwks_requests_total", "Requests for the key set."),
		refusals:    counter("admin_refusals_total", "Private requests with wrong credentials."),
		panics:      counter("panics_total", "Requests whose handler panicked."),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "jotkeeper", Name: "request_duration_seconds", Help: "Time to answer, by route, method and status.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route", "method", "code"}),
	}
	m.registry.MustRegister(m.logins, m.refreshes, m.verdicts, m.revocations, m.jwks, m.refusals, m.panics, m.durations,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func counters(name, help, label string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "jotkeeper", Name: name, Help: help}, []string{label})
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "jotkeeper", Name: name, Help: help})
}

// Login counts a login.
func (m *Metrics) Login(result string) { m.logins.WithLabelValues(among(result, loginResults)).Inc() }

// Refresh counts a refresh.
func (m *Metrics) Refresh(outcome string) {
	m.refreshes.WithLabelValues(among(outcome, refreshOutcomes)).Inc()
}

// Verified counts an access token that was looked at; "ok" or the reason why
// it was refused.
func (m *Metrics) Verified(result string) {
	m.verdicts.WithLabelValues(among(result, verdicts)).Inc()
}

// Revoked counts n revocations of a kind: the scope of their rules.
func (m *Metrics) Revoked(kind string, n int) {
	m.revocations.WithLabelValues(among(kind, revocationKinds)).Add(float64(n))
}

// KeySet counts a request for the key set.
func (m *Metrics) KeySet() { m.jwks.Inc() }

// Refused counts wrong credentials on a private route.
func (m *Metrics) Refused() { m.refusals.Inc() }

// Panicked counts a handler that panicked.
func (m *Metrics) Panicked() { m.panics.Inc() }

// Request counts an answered request.
func (m *Metrics) Request(route, method string, status int, took time.Duration) {
	m.durations.WithLabelValues(among(route, m.routes), among(method, methods), code(status)).Observe(took.Seconds())
}

// Gauge exports a figure that is asked for at each scrape, such as
// "key_age_seconds". It panics when a name is taken.
func (m *Metrics) Gauge(name, help string, read func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "jotkeeper", Name: name, Help: help}, read))
}

// Handler answers scrapes in Prometheus' formats.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

func among(value string, known []string) string {
	if slices.Contains(known, value) {
		return value
	}
	return "other"
}

func code(status int) string {
	if status < 100 || status > 599 {
		return "other"
	}
	return strconv.Itoa(status)
}
