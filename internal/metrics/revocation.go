package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/jotkeeper/jotkeeper/revocation"
)

// ruleScopes is the closed list of the label "scope".
var ruleScopes = []revocation.Scope{
	revocation.ScopeToken, revocation.ScopeSession, revocation.ScopeSubject,
	revocation.ScopeTenant, revocation.ScopeKey, revocation.ScopeIssuer,
}

// rules are the figures of an index, read at each scrape.
type rules struct {
	index            *revocation.Index
	lag, stale, kept *prometheus.Desc
}

// Rules exports how an index fares: how long ago it last had word from its
// source (nothing before the first word: no number would be true), whether that
// is stale, and how many rules are in force.
func (m *Metrics) Rules(x *revocation.Index) {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName("jotkeeper", "revocation", name), help, labels, nil)
	}
	m.registry.MustRegister(rules{x,
		desc("lag_seconds", "Time since the rules were last known to be complete."),
		desc("stale", "1 when the rules have not been heard of for too long, or ever."),
		desc("rules", "Live revocation rules in memory, by scope.", "scope"),
	})
}

// Describe is for the registry.
func (r rules) Describe(to chan<- *prometheus.Desc) { to <- r.lag; to <- r.stale; to <- r.kept }

// Collect is for the registry.
func (r rules) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	now := time.Now()
	if heard := r.index.Stats().Heard; !heard.IsZero() {
		gauge(r.lag, max(0, now.Sub(heard).Seconds()))
	}
	stale := 0.0
	if r.index.Stale(now) {
		stale = 1
	}
	gauge(r.stale, stale)
	for _, s := range ruleScopes {
		gauge(r.kept, float64(r.index.RulesOf(s)), string(s))
	}
}
