package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// yaml reads settings from the text of a configuration file: one mapping, the
// keys are the option names. A key without a value is as good as absent.
func (l *loader) yaml(s *settings, path string, data []byte) map[string]given {
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		l.wrong.add(path, "is not YAML: "+yamlMessage(err), "jotkeeper config init")
		return nil
	}
	layer := map[string]given{}
	for _, doc := range file.Docs {
		for _, entry := range l.entries(path, doc.Body) {
			l.entry(s, path, entry, layer)
		}
	}
	return layer
}

// entries returns the lines of a mapping; the library has a type of its own
// for a mapping of one line.
func (l *loader) entries(path string, body ast.Node) []*ast.MappingValueNode {
	switch n := body.(type) {
	case nil, *ast.CommentGroupNode, *ast.NullNode:
		return nil
	case *ast.MappingNode:
		return n.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	}
	l.wrong.add(path, "is not a list of settings", "one setting a line, as in: access-ttl: 15m")
	return nil
}

func (l *loader) entry(s *settings, path string, e *ast.MappingValueNode, layer map[string]given) {
	key := e.Key.GetToken().Value
	where := fmt.Sprintf("%s:%d %s", path, e.Key.GetToken().Position.Line, key)
	options := s.options()
	i := slices.IndexFunc(options, func(o option) bool { return o.Name == key })
	switch {
	case i < 0:
		l.wrong.add(where, "is not a setting", unknownKeyRemedy(key, options))
		return
	case options[i].Secret:
		l.wrong.add(where, "is a secret, which a configuration file does not hold", key+"-file: /run/secrets/"+key)
		return
	case key == "config":
		l.wrong.add(where, "names a file from within a file", "--config FILE")
		return
	}
	text, ok := scalarText(e.Value)
	if !ok {
		l.wrong.add(where, "is not a plain value", key+": "+options[i].Example)
	} else if text != "" {
		layer[key] = given{where, text}
	}
}

func unknownKeyRemedy(key string, options []option) string {
	var names []string
	for _, o := range options {
		names = append(names, o.Name)
	}
	if near := nearest(strings.ReplaceAll(key, "_", "-"), names); near != "" {
		return near
	}
	return "jotkeeper config init, which writes a file with every setting in it"
}

// scalarText is a value as it would be typed; a sequence is its items with
// commas between them.
func scalarText(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case nil, *ast.NullNode:
		return "", true
	case *ast.SequenceNode:
		var words []string
		for _, item := range n.Values {
			word, ok := scalarText(item)
			if _, nested := item.(*ast.SequenceNode); nested || !ok || strings.Contains(word, ",") {
				return "", false
			}
			words = append(words, word)
		}
		return strings.Join(words, ","), true
	case *ast.StringNode:
		return n.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// yamlMessage is the library's message without its drawing of the source.
func yamlMessage(err error) string {
	var syntax yaml.Error
	if !errors.As(err, &syntax) {
		return err.Error()
	}
	if tk := syntax.GetToken(); tk != nil {
		return fmt.Sprintf("line %d: %s", tk.Position.Line, syntax.GetMessage())
	}
	return syntax.GetMessage()
}

// cause is a file error without the path, which the sentence around it has.
func cause(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
