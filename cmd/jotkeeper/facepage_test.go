package main

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// A reader is a browser on the pages of Facepage.
type reader struct {
	t    *testing.T
	ctx  context.Context
	site string
}

// reads opens Facepage in Chromium.
func reads(t *testing.T, site string, more ...chromedp.ExecAllocatorOption) *reader {
	t.Helper()
	ctx, done := context.WithTimeout(chromium(t, more...), 2*patience)
	t.Cleanup(done)
	return &reader{t, ctx, site}
}

// goes does what leads to another page, and demands its status.
func (r *reader) goes(status int64, steps ...chromedp.Action[chromedp.Void]) *reader {
	r.t.Helper()
	res, err := chromedp.RunResponse(r.ctx, steps...)
	if err != nil {
		r.t.Fatal(err)
	}
	if res.Status != status {
		r.t.Errorf("%s answered %d, want %d", res.URL, res.Status, status)
	}
	return r
}

func (r *reader) opens(path string) *reader {
	r.t.Helper()
	return r.goes(200, chromedp.Navigate(r.site+path))
}

// presses submits the page's form, after typing into its fields, by name.
func (r *reader) presses(button string, fields ...string) *reader {
	r.t.Helper()
	var steps []chromedp.Action[chromedp.Void]
	for i := 0; i < len(fields); i += 2 {
		field := chromedp.CSS(`input[name="` + fields[i] + `"]`)
		steps = append(steps, chromedp.Clear(field), chromedp.SendKeys(field, fields[i+1]))
	}
	return r.goes(200, append(steps, chromedp.Click(chromedp.CSS(button)))...)
}

// has returns an attribute of the first element that matches, "" without one.
func (r *reader) has(css, name string) string {
	r.t.Helper()
	nodes, err := chromedp.Run(r.ctx, chromedp.AttributesAll(chromedp.CSS(css), chromedp.AtLeast(0)))
	if err != nil {
		r.t.Fatal(err)
	}
	if len(nodes) == 0 {
		return ""
	}
	return nodes[0][name]
}

// outcome demands what the act of the page came to.
func (r *reader) outcome(outcome, reason string) *reader {
	r.t.Helper()
	if got, why := r.has("[data-outcome]", "data-outcome"), r.has("[data-outcome]", "data-reason"); got != outcome || why != reason {
		r.t.Errorf("problem %s: %q %q, want %q %q", r.has("body", "data-problem"), got, why, outcome, reason)
	}
	return r
}

func (r *reader) fact(name string) string {
	r.t.Helper()
	return r.has(`[data-fact="`+name+`"]`, "data-value")
}

// account demands who is logged in; "" is nobody.
func (r *reader) account(want string) *reader {
	r.t.Helper()
	if got := r.has("body", "data-account"); got != want {
		r.t.Errorf("account %q is logged in, want %q", got, want)
	}
	return r
}

func (r *reader) logsIn(password string) *reader {
	r.t.Helper()
	return r.opens("/").presses(".login button", "password", password).account("1")
}

// An evening at Facepage: all nine pages, in Chromium, as it is and without
// JavaScript.
func TestAnEveningAtFacepage(t *testing.T) {
	t.Parallel()
	t.Run("with JavaScript", func(t *testing.T) {
		t.Parallel()
		ada := reads(t, launchDemo(t).url)
		if !ada.runsScripts() {
			t.Fatal("this browser runs no scripts")
		}
		anEvening(t, ada)
	})
	t.Run("without", func(t *testing.T) {
		t.Parallel()
		ada := reads(t, launchDemo(t).url, chromedp.Flag("blink-settings", "scriptEnabled=false"))
		if ada.runsScripts() {
			t.Fatal("this browser runs scripts")
		}
		anEvening(t, ada)
	})
}

// runsScripts tells whether the browser does what a page's script says.
func (r *reader) runsScripts() bool {
	r.t.Helper()
	r.goes(200, chromedp.Navigate(`data:text/html,<title>no</title><script>document.title="yes"</script>`))
	title, err := chromedp.Run(r.ctx, chromedp.Title())
	if err != nil {
		r.t.Fatal(err)
	}
	return title == "yes"
}

func anEvening(t *testing.T, ada *reader) {
	ada.opens("/problem/1").account("").logsIn(demoPassword)
	ada.opens("/problem/1").presses("#act").outcome("done", "")
	token := ada.has("[data-token]", "data-token")
	if token == "" || ada.fact("cross-site") != "403 csrf" {
		t.Errorf("token %q, another site's form: %s", token, ada.fact("cross-site"))
	}
	ada.opens("/problem/2").presses("#act").outcome("done", "")
	if ada.fact("verified-questions") != "0" || ada.fact("asked-questions") != "100" {
		t.Errorf("%s and %s questions", ada.fact("verified-questions"), ada.fact("asked-questions"))
	}
	ada.opens("/problem/3").presses("#act").outcome("done", "")
	ada.opens("/problem/4").presses("#act").outcome("done", "")
	if ada.fact("altered") != "signature" || ada.fact("confused") != "header" {
		t.Errorf("forgeries: %s, %s", ada.fact("altered"), ada.fact("confused"))
	}
	theSurvey(t, ada)
	ada.opens("/problem/7").presses("#act").outcome("done", "")
	if ada.fact("users") != "account: 1" || ada.fact("failures-after") != "1" {
		t.Errorf("users %q, failures %q", ada.fact("users"), ada.fact("failures-after"))
	}
	ada.opens("/problem/9").presses("#act").outcome("done", "").account("1")
	if ada.fact("kid-before") == ada.fact("kid-after") || ada.fact("kid-after") == "" {
		t.Errorf("key %q, then %q", ada.fact("kid-before"), ada.fact("kid-after"))
	}
	theReset(t, ada)
	ada.opens("/problem/8").presses("#act").outcome("done", "").account("")
	for _, part := range []string{"account server", "web application", "JSON API", "verifying service"} {
		row := `tr[data-part="` + part + `"][data-before]`
		if ada.has(row, "data-before") != "200" || ada.has(row, "data-after") != "401" || ada.has(row, "data-ms") == "" {
			t.Errorf("%s: %s, then %s", part, ada.has(row, "data-before"), ada.has(row, "data-after"))
		}
	}
	ada.goes(200, chromedp.Reload()).outcome("done", "") // the answer to the form was a redirect: nothing is sent again
	ada.opens("/").account("")
}

// theSurvey is problem 6: the link logs in for the survey, once.
func theSurvey(t *testing.T, ada *reader) {
	t.Helper()
	ada.opens("/problem/6").presses("#act").outcome("done", "")
	ada.presses(".mail-link").presses("#act")
	if got := ada.has("[data-survey]", "data-survey"); got != "1" {
		t.Errorf("account %q answers", got)
	}
	ada.presses("#act", "answer", "well").outcome("done", "").account("1")
	if ada.fact("face") != "403 scope" {
		t.Errorf("the face, to the survey's token: %s", ada.fact("face"))
	}
	ada.goes(410, chromedp.Click(chromedp.CSS(".mail-link"))).outcome("refused", "used")
}

// theReset is problem 5: two links, one new password, and both are dead.
func theReset(t *testing.T, ada *reader) {
	t.Helper()
	ada.opens("/problem/5").presses("#act").presses("#act").outcome("done", "")
	ada.presses(".mail-link").presses("#act", "password", "a-new-word-for-ada-77").outcome("done", "").account("")
	if ada.fact("ended") == "0" || ada.fact("ended") == "" {
		t.Errorf("%q sessions ended", ada.fact("ended"))
	}
	ada.goes(410, chromedp.Click(chromedp.CSS(".mail-link"))).outcome("refused", "changed")
	ada.opens("/problem/5").goes(410, chromedp.Click(chromedp.CSS("li + li .mail-link"))).outcome("refused", "changed")
	address, err := chromedp.Run(ada.ctx, chromedp.Location())
	if err != nil || strings.Contains(address, "token") {
		t.Errorf("the address is %s (%v)", address, err)
	}
	ada.opens("/").presses(".login button", "password", demoPassword).outcome("refused", "FAILED")
	ada.logsIn("a-new-word-for-ada-77")
}
