package facepage

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"sync"

	"github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/jwt"
)

func unmarshal(text []byte, v any) error { return json.Unmarshal(text, v) }

// mailSurvey is problem 6, its first half.
func (w *Web) mailSurvey(r *http.Request, a *act, _ caller) { w.sendLink(r, a, surveyMail) }

// answers are what people said in the survey, by account.
type answers struct {
	mu sync.Mutex
	of map[string]string
}

func (s *answers) set(account, text string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		s.of = map[string]string{}
	}
	s.of[account] = text
	return len(s.of)
}

// surveyPage shows the survey to whoever came through a link, after one button:
// the link is used by a form and not by being looked at.
func (w *Web) surveyPage(rw http.ResponseWriter, r *http.Request) {
	if !r.URL.Query().Has("token") && cookie(r, surveyLink) == "" && cookie(r, surveyCookie) != "" {
		w.surveyForm(rw, r)
		return
	}
	w.linkPage(rw, r, linkDoor{page: "/survey", cookie: surveyLink, kind: surveyMail, template: "enter", title: "The survey", problem: chapters[5]})
}

// surveyEnter uses the link up and opens a session for the survey alone, in a
// cookie that goes to the survey alone: whoever is logged in stays so.
func (w *Web) surveyEnter(rw http.ResponseWriter, r *http.Request) {
	a := w.begin(chapters[5].N)
	got := w.redeem(r, a, surveyLink, "enter", url.Values{})
	var in entered
	if got.into(&in) != nil {
		w.deadLink(rw, a, got, linkDoor{page: "/survey", cookie: surveyLink})
		w.after(rw, r, a, chapters[5].Path(), "")
		return
	}
	take(rw, surveyLink, "/survey")
	give(rw, surveyCookie, in.Access, "/survey", int(in.ExpiresIn))
	http.Redirect(rw, r, "/survey", http.StatusSeeOther)
}

// surveyForm shows the questions to whoever has the scope.
func (w *Web) surveyForm(rw http.ResponseWriter, r *http.Request) {
	a := w.begin(chapters[5].N)
	token := cookie(r, surveyCookie)
	a.Token = show(token)
	claims, err := w.verify(r, token, jotkeeper.Scope(surveyScope))
	if err != nil {
		w.noSurvey(rw, r, a, err)
		return
	}
	w.render(rw, r, http.StatusOK, "survey", &view{Title: "The survey", Problem: chapters[5], Act: a, Who: w.who(r), Survey: claims.Subject})
}

func (w *Web) noSurvey(rw http.ResponseWriter, r *http.Request, a *act, err error) {
	a.Outcome, a.Reason, a.Said = refused, string(jwt.ReasonOf(err)), "The session of the link is over. Ask for a new one."
	if jwt.ReasonOf(err) == jwt.Unavailable {
		w.cannotKnow(rw, r)
		return
	}
	take(rw, surveyCookie, "/survey")
	w.render(rw, r, http.StatusUnauthorized, "refused", &view{Title: "The survey", Problem: chapters[5], Act: a, Who: w.who(r)})
}

// surveyAnswer keeps an answer, then tries what else the link's session opens.
func (w *Web) surveyAnswer(rw http.ResponseWriter, r *http.Request) {
	a := w.begin(chapters[5].N)
	token := cookie(r, surveyCookie)
	a.Token = show(token)
	claims, err := w.verify(r, token, jotkeeper.Scope(surveyScope))
	if err != nil {
		w.noSurvey(rw, r, a, err)
		return
	}
	n := w.answers.set(claims.Subject, r.PostFormValue("answer"))
	a.fact("answers", "people who have answered", strconv.Itoa(n))
	req, err := bearing(r.Context(), http.MethodGet, w.cfg.API+"/face", token)
	face := a.ask(API, "the face, with the token of the survey", req, err)
	req, err = carrying(r.Context(), http.MethodGet, w.cfg.Orders.Pages+"/me", token)
	me := a.ask(WebApp, "the page, with the token of the survey", req, err)
	a.fact("face", "what the face's route says to that token", strconv.Itoa(face.Status)+" "+face.Reason)
	a.Said = "Your answer is kept under your account, and you typed no password. The session that the link opened is good for the survey and for nothing else."
	if face.OK() || me.OK() {
		a.Outcome, a.Said = refused, "The link's session opened more than the survey. That is a fault of this program: please report it."
	}
	w.after(rw, r, a, chapters[5].Path(), "")
}
