package facepage

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"time"
)

//go:embed page
var files embed.FS

// A view is what a template is given.
type view struct {
	Title   string
	Problem *chapter
	Who     caller
	Act     *act
	Mails   []Mail
	Return  string // where a login leads
	Survey  string // the account that answers
	Users   []User
	Cast    []actor

	Chapters []*chapter
	People   any
}

// An actor is one of the four processes.
type actor struct {
	Name  string
	State State
	Lines []string
}

// pages are the templates, each with the layout.
var pages = parsePages("home", "problem", "reset", "enter", "survey", "refused")

func parsePages(names ...string) map[string]*template.Template {
	all := map[string]*template.Template{}
	for _, name := range names {
		t := template.New("layout.html").Funcs(template.FuncMap{"clock": clock, "status": status})
		all[name] = template.Must(t.ParseFS(files, "page/layout.html", "page/act.html", "page/story.html", "page/"+name+".html"))
	}
	return all
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05") }

// status is a status code in a table, a dash when nobody answered.
func status(code int) any {
	if code == 0 {
		return "no answer"
	}
	return code
}

// render answers with a page. What cannot be rendered is a wordless 500.
func (w *Web) render(rw http.ResponseWriter, r *http.Request, code int, name string, v *view) {
	v.Cast, v.Chapters, v.People = w.actors(), chapters, people
	if v.Return == "" {
		v.Return = returnTo(r.URL.Path)
	}
	var b bytes.Buffer
	if err := pages[name].Execute(&b, v); err != nil {
		w.log.Error("page", "name", name, "cause", err.Error())
		http.Error(rw, "Something went wrong here.", http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	rw.WriteHeader(code)
	_, _ = b.WriteTo(rw) // the browser went away
}

// actors are the processes with their last lines.
func (w *Web) actors() []actor {
	var all []actor
	for _, p := range w.cast {
		lines := p.Lines.since(p.Lines.mark() - most)
		for i := range lines {
			lines[i] = short(lines[i])
		}
		all = append(all, actor{p.Name, p.State(), lines})
	}
	return all
}

// home shows your face, or the door.
func (w *Web) home(rw http.ResponseWriter, r *http.Request, c caller) {
	v := &view{Title: "Facepage", Who: c, Act: w.visits.last(r, 0), Users: w.users.all(), Return: returnTo(r.URL.Query().Get("return_to"))}
	if c.reason != "" { // the page has told why
		drop(rw)
	}
	w.render(rw, r, http.StatusOK, "home", v)
}

// style is the one style sheet.
func style(rw http.ResponseWriter, r *http.Request) {
	rw.Header().Set("Cache-Control", "max-age=300")
	http.ServeFileFS(rw, r, files, "page/style.css")
}
