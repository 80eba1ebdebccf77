package arrows

import (
	"bytes"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A source is one parsed Go file.
type source struct {
	Path  string
	Dir   string
	Test  bool
	Lines int
	Fset  *token.FileSet
	File  *ast.File
}

// imports lists the import paths of the file.
func (s *source) imports() []string {
	var paths []string
	for _, spec := range s.File.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err == nil {
			paths = append(paths, p)
		}
	}
	return paths
}

func (s *source) line(pos token.Pos) int { return s.Fset.Position(pos).Line }

// readSources parses every Go file of the module at fsys: not testdata, not
// hidden folders, not nested modules.
func readSources(fsys fs.FS) ([]*source, error) {
	var all []*source
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && outside(fsys, p):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(p, ".go"):
			return nil
		}
		s, err := parseSource(fsys, p)
		all = append(all, s)
		return err
	})
	return all, err
}

func outside(fsys fs.FS, dir string) bool {
	if dir == "." {
		return false
	}
	name := path.Base(dir)
	if name == "testdata" || name == "vendor" || name[0] == '.' || name[0] == '_' {
		return true
	}
	_, err := fs.Stat(fsys, path.Join(dir, "go.mod"))
	return err == nil
}

func parseSource(fsys fs.FS, p string) (*source, error) {
	text, err := fs.ReadFile(fsys, p)
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, p, text, parser.ParseComments)
	return &source{
		Path: p, Dir: path.Dir(p), Test: strings.HasSuffix(p, "_test.go"),
		Lines: bytes.Count(text, []byte("\n")), Fset: fset, File: file,
	}, err
}

// sentence is the first sentence of the package comment in dir, or "".
func sentence(all []*source, dir string) string {
	for _, s := range all {
		if s.Dir == dir && !s.Test && s.File.Doc != nil {
			return new(doc.Package).Synopsis(s.File.Doc.Text())
		}
	}
	return ""
}

func moduleRoot(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatal(err)
	}
	return root
}

func houseSources(t *testing.T) []*source {
	t.Helper()
	all, err := readSources(os.DirFS(moduleRoot(t)))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// complain fails the test once per complaint.
func complain(t *testing.T, complaints []string) {
	t.Helper()
	for _, c := range complaints {
		t.Error(c)
	}
}
