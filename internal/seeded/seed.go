package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// seedFolder holds the seeds, below the root of the module.
const seedFolder = "testdata/seeded"

// A seed is one bug with the test that must notice it.
type seed struct {
	Path    string // below seedFolder
	Package string // of the test, ./jwt
	Run     string // the -run pattern
	File    string // the source that gets the bug
	Says    string // what the failing test must print, if given
	Race    bool
	Edits   []edit
}

type edit struct{ From, To string }

// loadSeeds reads every seed and plants it once in memory, so that a stale
// seed is found without running anything. No seed at all is an error.
func loadSeeds(root string) ([]seed, error) {
	var seeds []seed
	var errs []error
	folder := filepath.Join(root, seedFolder)
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".txt" {
			return err
		}
		rel, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		s, err := readSeed(root, rel)
		seeds, errs = append(seeds, s), append(errs, err)
		return nil
	})
	if err == nil && len(seeds) == 0 {
		err = fmt.Errorf("no seed below %s", seedFolder)
	}
	return seeds, errors.Join(append(errs, err)...)
}

func readSeed(root, rel string) (seed, error) {
	text, err := os.ReadFile(filepath.Join(root, seedFolder, rel))
	if err != nil {
		return seed{}, err
	}
	s, err := parseSeed(rel, string(text))
	if err == nil {
		_, err = s.plant(root)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", rel, err)
	}
	return s, err
}

const (
	fromMark = "-- from --\n"
	toMark   = "-- to --\n"
)

// parseSeed reads the header lines, then pairs of a from and a to block. The
// last newline of a block is not part of it, so that an edit may stay within
// one line.
func parseSeed(path, text string) (seed, error) {
	s := seed{Path: path}
	header, rest, ok := strings.Cut(text, fromMark)
	if !ok {
		return s, errors.New("has no line \"-- from --\"")
	}
	if err := s.parseHeader(header); err != nil {
		return s, err
	}
	for _, pair := range strings.Split(rest, fromMark) {
		from, to, ok := strings.Cut(pair, toMark)
		if !ok || strings.Contains(to, toMark) {
			return s, errors.New("each \"-- from --\" needs one \"-- to --\"")
		}
		s.Edits = append(s.Edits, edit{strings.TrimSuffix(from, "\n"), strings.TrimSuffix(to, "\n")})
	}
	return s, nil
}

func (s *seed) parseHeader(header string) error {
	for line := range strings.Lines(header) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch key {
		case "test":
			s.Package, s.Run, _ = strings.Cut(value, " ")
		case "file":
			s.File = value
		case "says":
			s.Says = value
		case "race":
			s.Race = value == "true"
		default:
			return fmt.Errorf("unknown header line %q", line)
		}
	}
	s.Run = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(s.Run), "-run"))
	switch {
	case !strings.HasPrefix(s.Package, "./") || s.Run == "":
		return errors.New("needs a line \"test: ./room -run ^TestName$\"")
	case s.File == "":
		return errors.New("needs a line \"file: room/file.go\"")
	}
	return nil
}

// plant returns the source with the bug in it.
func (s seed) plant(root string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(root, s.File))
	if err != nil {
		return nil, fmt.Errorf("stale: %w", err)
	}
	source := string(text)
	for _, e := range s.Edits {
		if n := strings.Count(source, e.From); e.From == "" || n != 1 {
			return nil, fmt.Errorf("stale: its from block occurs %d times in %s, not once:\n%s", n, s.File, e.From)
		}
		source = strings.Replace(source, e.From, e.To, 1)
	}
	if source == string(text) {
		return nil, errors.New("changes nothing")
	}
	return []byte(source), nil
}
