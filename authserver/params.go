package authserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/jotkeeper/jotkeeper/internal/problem"
)

// maxBody is the largest body that is read, in bytes.
const maxBody = 64 << 10

// maxDepth is how deep a JSON value in a body may nest.
const maxDepth = 32

// params are what a body says: names in lower case, since published clients do
// not agree on their case, and each name once.
type params struct {
	text map[string]string
	json map[string]json.RawMessage // objects and arrays, by name
}

func (p params) get(name string) string { return p.text[name] }

func (p params) has(name string) bool {
	_, ok := p.text[name]
	_, deep := p.json[name]
	return ok || deep
}

// readParams reads a body, and only the body: what stands in the query of a
// request that changes something is in logs and histories. An absent type is a
// form, as Keratin AuthN has it.
func readParams(w http.ResponseWriter, r *http.Request) (params, error) {
	read, err := reader(r)
	if err != nil {
		return params{}, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return params{}, refuse(problem.TooLarge)
	case err != nil:
		return params{}, malformed("the body ended early")
	case !utf8.Valid(body):
		return params{}, malformed("the body is not UTF-8")
	}
	return read(body)
}

// reader picks the reader for a body's content type.
func reader(r *http.Request) (func([]byte) (params, error), error) {
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return nil, refuse(problem.UnsupportedMedia)
	}
	kind := r.Header.Get("Content-Type")
	if kind == "" {
		return readForm, nil
	}
	kind, options, err := mime.ParseMediaType(kind)
	if charset := options["charset"]; err != nil || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return nil, refuse(problem.UnsupportedMedia)
	}
	switch kind {
	case "application/x-www-form-urlencoded":
		return readForm, nil
	case "application/json":
		return readJSON, nil
	}
	return nil, refuse(problem.UnsupportedMedia)
}

func readForm(body []byte) (params, error) {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return params{}, malformed("the form is not well formed")
	}
	p := params{text: map[string]string{}}
	for name, all := range values {
		folded := strings.ToLower(name)
		if len(all) > 1 || p.has(folded) {
			return params{}, malformed("a form field is given twice")
		}
		if !utf8.ValidString(all[0]) {
			return params{}, malformed("a form field is not UTF-8")
		}
		p.text[folded] = all[0]
	}
	return p, nil
}

// readJSON reads one object of strings, objects, arrays, booleans and nulls.
// Whoever reads a name twice and keeps one of the values has been fooled by
// somebody who kept the other, so that is refused, at every depth.
func readJSON(body []byte) (params, error) {
	p := params{text: map[string]string{}, json: map[string]json.RawMessage{}}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if len(bytes.TrimSpace(body)) == 0 {
		return params{}, malformed("the body is empty")
	}
	if err := unambiguous(dec, 0); err != nil {
		return params{}, malformed(err.Error())
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil { // which also refuses what follows the value
		return params{}, malformed("the body is not one JSON object")
	}
	for name, raw := range members { // null leaves members nil: all empty
		if err := p.put(strings.ToLower(name), raw); err != nil {
			return params{}, err
		}
	}
	return p, nil
}

func (p params) put(name string, raw json.RawMessage) error {
	if p.has(name) {
		return malformed("a JSON member is given twice")
	}
	switch raw[0] {
	case 'n':
	case '"':
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return malformed("a JSON string is not well formed")
		}
		p.text[name] = s
	default:
		p.json[name] = raw
	}
	return nil
}

// wantText refuses names whose value must be a string and is not.
func (p params) wantText(names ...string) error {
	for _, name := range names {
		if _, other := p.json[name]; other {
			return malformed(fmt.Sprintf("%q must be a string", name))
		}
	}
	return nil
}

// unambiguous reads one value and refuses names given twice and nesting beyond
// maxDepth.
func unambiguous(dec *json.Decoder, depth int) error {
	token, err := dec.Token()
	if err != nil {
		return errors.New("the body is not JSON")
	}
	switch token {
	case json.Delim('{'):
		return object(dec, depth+1)
	case json.Delim('['):
		return array(dec, depth+1)
	}
	return nil
}

func object(dec *json.Decoder, depth int) error {
	if depth > maxDepth {
		return errors.New("the JSON value nests too deep")
	}
	seen := map[string]bool{}
	for dec.More() {
		token, err := dec.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return errors.New("the body is not JSON")
		}
		if seen[name] {
			return errors.New("a JSON member is given twice")
		}
		seen[name] = true
		if err := unambiguous(dec, depth); err != nil {
			return err
		}
	}
	return closing(dec)
}

func array(dec *json.Decoder, depth int) error {
	if depth > maxDepth {
		return errors.New("the JSON value nests too deep")
	}
	for dec.More() {
		if err := unambiguous(dec, depth); err != nil {
			return err
		}
	}
	return closing(dec)
}

func closing(dec *json.Decoder) error {
	if _, err := dec.Token(); err != nil {
		return errors.New("the body is not JSON")
	}
	return nil
}
