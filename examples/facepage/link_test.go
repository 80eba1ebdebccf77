package facepage_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const nextPassword = "a-new-word-for-ada-77"

// mailed has a link mailed to Ada, and returns it.
func (v *visitor) mailed(kind, page string) string {
	v.Helper()
	v.post(page, "username", "ada").outcome("done", "")
	return v.mail(kind, page)[0]
}

func (v *visitor) resetLink() string  { v.Helper(); return v.mailed("reset", "/problem/5") }
func (v *visitor) surveyLink() string { v.Helper(); return v.mailed("survey", "/problem/6") }

// The evening of problem 5: a link opens its door once, looking at it uses
// nothing up, and an older one is dead after the first.
func TestReset(t *testing.T) {
	t.Parallel()
	s := open(t)
	ada, phone := s.visitor(), s.visitor().logIn(adasPassword)
	older, link := ada.resetLink(), ada.resetLink()
	for range 5 { // scanners of mail
		s.visitor().get(link).answered(http.StatusOK)
	}
	ada.get(link).answered(http.StatusOK)
	ada.post("/reset", "password", "short").answered(http.StatusUnprocessableEntity).outcome("refused", "invalid")
	changed := ada.post("/reset", "password", nextPassword).outcome("done", "")
	if changed.fact("ended") != "1" {
		t.Errorf("%s sessions ended, want that of the phone", changed.fact("ended"))
	}
	if got := changed.fact("face"); !strings.HasPrefix(got, "401 ") {
		t.Errorf("the face, to the link's token: %s", got)
	}
	for !t.Failed() && phone.get("/problem/3").element("data-account", "1") != "" { // until the web application has heard
	}
	phone.get("/problem/3").want("", "data-over", "revoked")
	ada.get(link).answered(http.StatusGone).outcome("refused", "changed")
	ada.get(older).answered(http.StatusGone).outcome("refused", "changed")
	ada.post("/reset", "password", "yet-another-word-31").outcome("refused", "missing") // the dead link was forgotten

	ada.post("/session/login", "username", "ada", "password", adasPassword).outcome("refused", "FAILED")
	ada.logIn(nextPassword)
}

// The evening of problem 6: the link logs in for the survey, and for nothing
// else; whoever is logged in stays so.
func TestSurvey(t *testing.T) {
	t.Parallel()
	s := open(t)
	grace := s.visitor()
	grace.post("/session/login", "username", "grace", "password", "larch-copper-tide-77")
	link := grace.surveyLink() // Ada's, opened in Grace's browser
	grace.get(link).want("", "data-account", "2")
	grace.post("/survey/enter").want("", "data-survey", "1").want("", "data-account", "2")
	six := grace.post("/survey/answer", "answer", "well").outcome("done", "").want("", "data-account", "2")
	if six.fact("face") != "403 scope" || six.fact("answers") != "1" {
		t.Errorf("the face: %s, answers: %s", six.fact("face"), six.fact("answers"))
	}
	grace.get(link).answered(http.StatusGone).outcome("refused", "used")
	// What the link opened ends with the account's other sessions.
	s.visitor().logIn(adasPassword).post("/session/end-all").outcome("done", "")
	grace.get("/survey").answered(http.StatusUnauthorized).outcome("refused", "revoked")
}

// crowd is many visitors who have opened one link and sent no form yet.
func (s *stage) crowd(n int, link string) []*visitor {
	s.Helper()
	all := make([]*visitor, n)
	for i := range all {
		all[i] = s.visitor()
		all[i].get(link).answered(http.StatusOK)
	}
	return all
}

// A111: of many who open one link at the same time, one comes in.
func TestA111OneLinkOnce(t *testing.T) {
	t.Parallel()
	s := open(t)
	link := s.visitor().surveyLink()
	var in atomic.Int64
	var all sync.WaitGroup
	for _, v := range s.crowd(64, link) {
		all.Go(func() {
			if p := v.post("/survey/enter"); p.element("data-survey", "1") != "" {
				in.Add(1)
			} else {
				p.outcome("refused", "used")
			}
		})
	}
	all.Wait()
	if in.Load() != 1 {
		t.Errorf("%d came in by one link", in.Load())
	}
}

// A111: of many who set a password with one link, one does.
func TestA111OneResetOnce(t *testing.T) {
	t.Parallel()
	s := open(t)
	link := s.visitor().resetLink()
	var set atomic.Int64
	var all sync.WaitGroup
	for _, v := range s.crowd(16, link) {
		all.Go(func() {
			p := v.post("/reset", "password", nextPassword)
			if attribute(p.element("data-outcome", ""), "data-outcome") == "done" {
				set.Add(1)
			} else {
				p.outcome("refused", "changed")
			}
		})
	}
	all.Wait()
	if set.Load() != 1 {
		t.Errorf("%d passwords were set with one link", set.Load())
	}
}

// A112: a link is dead after a newer password, after newer links, after a lock.
func TestA112LinksThatWereOvertaken(t *testing.T) {
	t.Parallel()
	s := open(t)
	ada := s.visitor()
	survey, first := ada.surveyLink(), ada.resetLink()
	late := s.visitor() // who has the form before them, and sends it after the change
	late.get(survey).answered(http.StatusOK)
	ada.resetLink()
	ada.resetLink()
	newest := ada.resetLink()
	ada.get(first).answered(http.StatusGone).outcome("refused", "used") // three are alive at a time
	ada.get(newest)
	ada.post("/reset", "password", nextPassword).outcome("done", "")
	ada.get(survey).answered(http.StatusGone).outcome("refused", "changed")
	late.post("/survey/enter").outcome("refused", "changed")

	link, survey := ada.resetLink(), ada.surveyLink()
	ada.get(link)
	ada.get(survey)
	_, err := s.accounts.Lock(t.Context(), 1)
	s.must(err)
	ada.post("/reset", "password", "yet-another-word-31").outcome("refused", "used")
	ada.post("/survey/enter").outcome("refused", "used")
}

// A114: a form that was open for too long is refused when it is sent.
func TestA114ALinkExpiresWhenItIsUsed(t *testing.T) {
	t.Parallel()
	s := open(t)
	ada := s.visitor()
	link := ada.resetLink()
	ada.get(link).answered(http.StatusOK)
	s.clock.ahead.Store(int64(15*time.Minute + time.Second))
	ada.post("/reset", "password", nextPassword).outcome("refused", "expired")
	ada.get(link).answered(http.StatusGone).outcome("refused", "expired")
}

// A117 and A083: the token leaves the address at once, and stands in no other.
func TestA117TheTokenLeavesTheAddress(t *testing.T) {
	t.Parallel()
	s := open(t)
	ada := s.visitor()
	for path, link := range map[string]string{"/reset": ada.resetLink(), "/survey": ada.surveyLink()} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link, nil)
		s.must(err)
		moved := ada.straight(req).answered(http.StatusSeeOther)
		if to, policy := moved.Header.Get("Location"), moved.Header.Get("Referrer-Policy"); to != path || policy != "no-referrer" {
			t.Errorf("%s moves to %q with the referrer policy %q", path, to, policy)
		}
		for _, c := range moved.Cookies() {
			if c.Path != path || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.MaxAge <= 0 || c.MaxAge > 15*60 {
				t.Errorf("%s: the cookie %s", path, c)
			}
		}
		form := ada.get(path).answered(http.StatusOK)
		if form.Header.Get("Cache-Control") != "no-store" || !strings.Contains(form.Header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: %v", path, form.Header)
		}
		if foreign := form.element("src", ""); foreign != "" || strings.Contains(form.text, "<script") {
			t.Errorf("%s loads something: %s", path, foreign)
		}
	}
	for _, address := range ada.went {
		if strings.Contains(address, "eyJ") {
			t.Errorf("an answer sent the token to %s", address)
		}
	}
}

// A120: what is no token opens nothing, whatever shape it has.
func TestA120WhatIsNoToken(t *testing.T) {
	t.Parallel()
	s := open(t)
	ada := s.visitor()
	link, err := url.Parse(ada.resetLink())
	s.must(err)
	genuine, survey := link.Query().Get("token"), strings.SplitAfter(ada.surveyLink(), "token=")[1]
	for _, query := range []string{
		"token=", "token=null", "token=%25", "token=*", "token[]=" + genuine, "token=" + genuine[:len(genuine)-2], "token=" + genuine + ".x",
		"token=%00", "token=" + strings.Repeat("e", 4000), "token=" + survey, // a login's, where a reset's is wanted
	} {
		v := s.visitor()
		v.get("/reset?" + query)
		if p := v.post("/reset", "password", nextPassword); attribute(p.element("data-outcome", ""), "data-outcome") != "refused" {
			t.Errorf("%.40s: %s", query, said(p.text))
		}
		v.get("/survey?" + strings.Replace(query, survey, genuine, 1))
		if p := v.post("/survey/enter"); attribute(p.element("data-outcome", ""), "data-outcome") != "refused" {
			t.Errorf("survey %.40s: %s", query, said(p.text))
		}
	}
	ada.logIn(adasPassword)
	ada.get(link.String()).answered(http.StatusOK) // and the genuine one is as good as before
}

// A stranger's name gets the answer of a friend's.
func TestNobodyIsTold(t *testing.T) {
	t.Parallel()
	s := open(t)
	v := s.visitor()
	for _, name := range []string{"ada", "nobody", "", strings.Repeat("x", 500), "ada\x00"} {
		p := v.post("/problem/5", "username", name).outcome("done", "")
		if said(p.text) != said(v.post("/problem/5", "username", "ada").text) {
			t.Errorf("%q is told apart", name)
		}
	}
}
