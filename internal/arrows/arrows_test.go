package arrows

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// A house is what the arrows are checked against.
type house struct {
	Rooms         []room
	Owners        map[string][]string
	TestLibraries []string
}

var ourHouse = house{Rooms: rooms, Owners: owners, TestLibraries: testLibraries}

func TestArrows(t *testing.T) {
	complain(t, ourHouse.check(houseSources(t)))
}

// TestNoDriver asks the compiler's own list, which also sees what a library
// brings along.
func TestNoDriver(t *testing.T) {
	for _, dir := range driverless {
		if r, ok := ourHouse.room(dir); !ok || r.Planned {
			continue
		}
		list := exec.Command("go", "list", "-deps", "./"+dir)
		list.Dir = moduleRoot(t)
		out, err := list.Output()
		if err != nil {
			t.Fatalf("%s: %v", list, err)
		}
		complain(t, linked(dir, strings.Fields(string(out))))
	}
}

func linked(dir string, deps []string) []string {
	var complaints []string
	for _, dep := range deps {
		if slices.ContainsFunc(drivers, func(d string) bool { return within(dep, d) }) {
			complaints = append(complaints, fmt.Sprintf("%s: links the database driver %s", name(dir), dep))
		}
	}
	return complaints
}

func (h house) check(all []*source) []string {
	complaints := append(h.checkTable(), h.checkRooms(all)...)
	for _, s := range all {
		for _, path := range s.imports() {
			if c := h.checkImport(s, path); c != "" {
				complaints = append(complaints, c)
			}
		}
	}
	return complaints
}

// checkTable finds lines of the table that contradict themselves.
func (h house) checkTable() []string {
	var complaints []string
	for _, r := range h.Rooms {
		and := strings.Contains(r.Sentence, " and ")
		switch {
		case and && r.And == "":
			complaints = append(complaints, name(r.Dir)+`: its sentence says "and": one room, one sentence, one thing`)
		case !and && r.And != "":
			complaints = append(complaints, name(r.Dir)+`: excuses an "and" that its sentence does not say`)
		}
		for _, to := range r.Imports {
			if _, ok := h.room(to); !ok && to != everything {
				complaints = append(complaints, fmt.Sprintf("%s: has an arrow to %s, which is not in the table", name(r.Dir), to))
			}
		}
	}
	return complaints
}

// checkRooms compares the table with the folders that hold Go files.
func (h house) checkRooms(all []*source) []string {
	var complaints []string
	exists := map[string]bool{}
	for _, s := range all {
		if _, ok := h.room(s.Dir); !ok && !exists[s.Dir] {
			complaints = append(complaints, s.Dir+": is not in the table; a room starts as a line in internal/arrows/table_test.go")
		}
		exists[s.Dir] = true
	}
	for _, r := range h.Rooms {
		got := sentence(all, r.Dir)
		switch {
		case r.Planned && exists[r.Dir]:
			complaints = append(complaints, name(r.Dir)+": exists; remove Planned from its line")
		case !r.Planned && !exists[r.Dir]:
			complaints = append(complaints, name(r.Dir)+": has no Go file; there are no empty rooms")
		}
		if exists[r.Dir] && got != r.Sentence {
			complaints = append(complaints, fmt.Sprintf("%s: its sentence differs\n\tpackage: %s\n\ttable:   %s", name(r.Dir), got, r.Sentence))
		}
	}
	return complaints
}

// checkImport returns a complaint, or "". The rooms that a test imports are
// its own affair: an outside view may need more of the house.
func (h house) checkImport(s *source, path string) string {
	if std := !strings.Contains(strings.Split(path, "/")[0], "."); std {
		return ""
	}
	if within(path, module) {
		return h.checkArrow(s, strings.TrimPrefix(strings.TrimPrefix(path, module), "/"))
	}
	allowed, library := h.owners(path)
	switch {
	case s.Test && library:
		return ""
	case !library:
		return fmt.Sprintf("%s: imports %s, which no room owns", s.Path, path)
	case len(allowed) == 0:
		return fmt.Sprintf("%s: imports %s, which is for tests", s.Path, path)
	case !slices.Contains(allowed, s.Dir):
		return fmt.Sprintf("%s: imports %s, which belongs to %s", s.Path, path, strings.Join(allowed, ", "))
	}
	return ""
}

func (h house) checkArrow(s *source, to string) string {
	if to == "" {
		to = "."
	}
	from, ok := h.room(s.Dir)
	if s.Test || !ok || slices.Contains(from.Imports, everything) || slices.Contains(from.Imports, to) {
		return ""
	}
	return fmt.Sprintf("%s: no arrow %s → %s", s.Path, name(from.Dir), name(to))
}

func (h house) room(dir string) (room, bool) {
	i := slices.IndexFunc(h.Rooms, func(r room) bool { return r.Dir == dir })
	if i < 0 {
		return room{}, false
	}
	return h.Rooms[i], true
}

// owners returns the rooms that may import path, none for a test library, and
// whether the table knows the library at all.
func (h house) owners(path string) ([]string, bool) {
	for lib, rooms := range h.Owners {
		if within(path, lib) {
			return rooms, true
		}
	}
	return nil, slices.ContainsFunc(h.TestLibraries, func(lib string) bool { return within(path, lib) })
}

// within says whether path is the module or a package of it.
func within(path, mod string) bool {
	return path == mod || strings.HasPrefix(path, mod+"/")
}

func name(dir string) string {
	if dir == "." {
		return "jotkeeper"
	}
	return dir
}
