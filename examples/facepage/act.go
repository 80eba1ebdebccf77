package facepage

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"encoding/json"
)

// How an act ended.
const (
	done        = "done"
	refused     = "refused"
	unavailable = "unavailable" // nobody answered, or it cannot be known now: nothing was lost
)

// An act is what just happened on a page.
type act struct {
	Problem int
	Outcome string
	Reason  string // of a refusal, from the closed list
	Said    string // what happened, in a sentence
	Token   *shown // that was used
	Fresh   *shown // that was given instead, if there is one
	Steps   []reply
	Facts   []fact
	Endings []ending
	Heard   []heard

	web   *Web
	mu    sync.Mutex
	marks map[string]int
	ids   map[string][]string // of the requests made, by part
}

// A fact is a figure that the act measured.
type fact struct{ Name, Label, Value string }

// heard is what one process wrote into its log meanwhile.
type heard struct {
	Part  string
	Lines []string
	More  int // lines before these
}

// A reply is what a part answered.
type reply struct {
	Part   string
	Sent   string // what it was asked, in words
	Status int    // 0: nobody answered
	Reason string // of a refusal
	Took   time.Duration

	body []byte
}

// begin begins an act: what the processes write from now on belongs to it.
func (w *Web) begin(problem int) *act {
	a := &act{Problem: problem, Outcome: done, web: w, marks: map[string]int{}, ids: map[string][]string{}}
	for _, p := range w.cast {
		a.marks[p.Name] = p.Lines.mark()
	}
	return a
}

// ask sends a request to a part and keeps the answer among the steps.
func (a *act) ask(part, sent string, req *http.Request, err error) reply {
	got := a.quietly(part, sent, req, err)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.Steps = append(a.Steps, got)
	return got
}

// quietly is ask without a step.
func (a *act) quietly(part, sent string, req *http.Request, err error) reply {
	got := reply{Part: part, Sent: sent}
	if err != nil {
		return got
	}
	began := time.Now()
	res, err := a.web.http.Do(req)
	if err != nil {
		return got
	}
	defer res.Body.Close()
	got.body, _ = io.ReadAll(io.LimitReader(res.Body, 64<<10))
	got.Status, got.Took = res.StatusCode, time.Since(began)
	var why struct {
		Code   string `json:"code"`
		Errors []struct{ Message string }
	}
	if got.Status >= 400 && json.Unmarshal(got.body, &why) == nil {
		got.Reason = why.Code
		if len(why.Errors) > 0 {
			got.Reason = why.Errors[0].Message
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ids[part] = append(a.ids[part], res.Header.Get("X-Request-Id"))
	return got
}

// OK tells whether a part did what it was asked.
func (r reply) OK() bool { return r.Status >= 200 && r.Status < 300 }

// into reads an answer.
func (r reply) into(v any) error {
	if !r.OK() {
		return errors.New("the " + r.Part + " did not answer as hoped")
	}
	return json.Unmarshal(r.body, v)
}

// Millis is how long the answer took.
func (r reply) Millis() float64 { return millis(r.Took) }

// lost turns a reply that is not the hoped one into the act's outcome.
func (a *act) lost(r reply) {
	a.Outcome, a.Reason = refused, r.Reason
	if r.Status == 0 || r.Status >= 500 {
		a.Outcome, a.Reason = unavailable, either(r.Reason, unavailable)
	}
}

func (a *act) fact(name, label, value string) {
	a.Facts = append(a.Facts, fact{name, label, value})
}

// most is how many lines of a process a page shows.
const most = 8

// end collects what the processes wrote. A line is written after its answer, so
// those of the last requests are waited for.
func (a *act) end(ctx context.Context) {
	a.web.log.Info("act", "problem", a.Problem, "outcome", a.Outcome, "reason", a.Reason)
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	for _, p := range a.web.cast {
		if ids := a.ids[p.Name]; len(ids) > 0 {
			p.Lines.await(ctx, a.marks[p.Name], ids[len(ids)-1])
		}
		lines := p.Lines.since(a.marks[p.Name])
		over := max(0, len(lines)-most)
		for i := range lines {
			lines[i] = short(lines[i])
		}
		a.Heard = append(a.Heard, heard{p.Name, lines[over:], over})
	}
}

// short is a line without what every line of every request has.
func short(line string) string {
	words := strings.Fields(line)
	kept := words[:0]
	for _, word := range words {
		name, _, _ := strings.Cut(word, "=")
		switch name {
		case "time", "level", "address", "bytes":
		case "agent":
			return strings.Join(kept, " ") // the browser's name: to the end of the line
		default:
			kept = append(kept, word)
		}
	}
	return strings.Join(kept, " ")
}
