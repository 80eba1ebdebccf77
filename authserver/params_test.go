package authserver_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/jotkeeper/jotkeeper/authserver"
)

// A178: JSON that two readers would read differently is read by nobody.
func TestA178JSONHasOneReading(t *testing.T) {
	h := inMemory(t)
	h.browse("ada")
	right := `"username":"ada","password":"` + good + `"`
	for name, text := range map[string]string{
		"empty":              ``,
		"cut short":          `{` + right,
		"twice":              `{` + right + `,"username":"eve"}`,
		"twice, other case":  `{` + right + `,"USERNAME":"eve"}`,
		"twice, escaped":     `{` + right + `,"\u0075sername":"eve"}`,
		"twice, deep":        `{` + right + `,"x":{"a":1,"a":2}}`,
		"something behind":   `{` + right + `}{}`,
		"text behind":        `{` + right + `}x`,
		"array":              `[{` + right + `}]`,
		"string":             `"username"`,
		"number as string":   `{"username":1,"password":"x"}`,
		"array as string":    `{"username":["ada"],"password":"` + good + `"}`,
		"object as string":   `{"username":{"$ne":""},"password":"` + good + `"}`,
		"bool as string":     `{"username":true,"password":"x"}`,
		"too deep":           `{"x":` + strings.Repeat("[", 33) + strings.Repeat("]", 33) + `}`,
		"much too deep":      `{"x":` + strings.Repeat("[", 30000) + `}`,
		"not UTF-8":          "{\"username\":\"\xff\",\"password\":\"x\"}",
		"byte order mark":    "\ufeff{" + right + "}",
		"comment":            `{/**/` + right + `}`,
		"single quotes":      `{'username':'ada'}`,
		"trailing comma":     `{` + right + `,}`,
		"bare word":          `{username:"ada"}`,
		"control in string":  "{\"username\":\"a\nda\"}",
		"two values, no sep": `{"a":1 "b":2}`,
	} {
		r := h.do("POST", "/session", from(app), body("application/json", text))
		if r.StatusCode != 400 || !strings.Contains(r.body, `"code":"malformed_request"`) || strings.Contains(r.body, `"errors"`) {
			t.Errorf("%s: %d %s", name, r.StatusCode, r.body)
		}
	}
	h.do("POST", "/session", from(app), body("application/json", `{`+right+`,"unknown":{"a":[1,2.5e3,null]}}`)).want(201)
	h.do("POST", "/session", from(app), body("application/json; charset=UTF-8", `{"Username":"ada","PASSWORD":"`+good+`","otp":null}`)).want(201)
	h.do("POST", "/session", from(app), body("application/json", `null`)).want(422)
	h.do("DELETE", "/session", from(app), header("Content-Type", "application/json")).want(200) // some clients name a type for no body
	h.do("DELETE", "/session", from(app), header("Content-Type", "text/plain")).want(200)
	h.do("POST", "/session", from(app), body("", `username=ada&password=`+good)).want(201)
}

func TestAFormHasOneReading(t *testing.T) {
	h := inMemory(t)
	h.browse("ada")
	for name, text := range map[string]string{
		"twice":        "username=ada&username=eve&password=" + good,
		"twice, case":  "username=ada&Username=eve&password=" + good,
		"bad escape":   "username=%zz&password=" + good,
		"semicolon":    "username=ada;password=" + good,
		"not UTF-8":    "username=%ff&password=" + good,
		"raw no UTF-8": "username=\xff&password=" + good,
	} {
		if r := h.do("POST", "/session", from(app), body("application/x-www-form-urlencoded", text)); r.StatusCode != 400 {
			t.Errorf("%s: %d %s", name, r.StatusCode, r.body)
		}
	}
}

// A203: encodings and types that are not ours are not decoded; too much is not read.
func TestA203OtherBodiesAreNotDecoded(t *testing.T) {
	h := inMemory(t)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write(bytes.Repeat([]byte("username=ada&"), 1<<20))
	z.Close()
	form := "application/x-www-form-urlencoded"
	for _, e := range []string{"gzip", "br", "deflate", "identity, gzip"} {
		h.do("POST", "/session", from(app), body(form, zipped.String()), header("Content-Encoding", e)).wantCode(415, "unsupported_media_type")
	}
	for _, kind := range []string{"text/plain", "application/xml", "multipart/form-data; boundary=x", "application/json; charset=utf-16", form + "; charset=latin1", "application/json, text/plain", ";", "application/vnd.api+json"} {
		h.do("POST", "/session", from(app), body(kind, "{}")).wantCode(415, "unsupported_media_type")
	}
	just := "username=" + strings.Repeat("a", 64<<10-len("username="))
	h.do("POST", "/session", from(app), body(form, just)).want(422)
	h.do("POST", "/session", from(app), body(form, just+"a")).wantCode(413, "too_large")
	h.do("DELETE", "/session", body("application/json", just+"a")).wantCode(413, "too_large")
	endless := &counting{}
	r := httptest.NewRequest("POST", issuer+"/session", endless)
	r.ContentLength = -1
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	if w.Code != 413 || endless.read > 128<<10 {
		t.Errorf("%d after %d bytes", w.Code, endless.read)
	}
}

// counting is a body without an end.
type counting struct{ read int }

func (c *counting) Read(p []byte) (int, error) {
	c.read += len(p)
	return copy(p, bytes.Repeat([]byte("a"), len(p))), nil
}

// A170: what is not a route's to set is not set.
func TestA170NobodyAssignsThemselvesAnything(t *testing.T) {
	h := inMemory(t)
	extra := []string{"role", "admin", "is_admin", "true", "verified", "true", "id", "99", "tenant", "t", "password_hash", "x", "Locked", "false",
		"created_at", "1970-01-01", "scope", "admin", "scopes", "admin", "claims", `{"role":"admin"}`, "sub", "99", "failures", "0"}
	pairs := append([]string{"username", "ada", "password", good, "transport", "body"}, extra...)
	p := h.do("POST", "/accounts", form(pairs...)).want(201).tokens()
	c := claims(t, p.Access)
	if c["sub"] != "1" || c["scope"] != nil || c["role"] != nil || c["tid"] != nil {
		t.Errorf("claims %v", c)
	}
	account := h.do("GET", "/accounts/1", asAdmin).want(200).body
	if !strings.Contains(account, `"scope":"","claims":{}`) || !strings.Contains(account, `"id":1`) {
		t.Errorf("account %s", account)
	}
	h.do("PATCH", "/accounts/1", asAdmin, form("username", "ada2", "id", "7", "password", "another-kettle-43", "locked", "true", "failures", "0")).want(200)
	h.do("POST", "/session", from(app), form("username", "ada2", "password", good)).want(201)
}

// Whatever is accepted is read as everybody else reads it, and nothing panics.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{`{"username":"ada"}`, `{"a":{"b":[1,"x",null,true]}}`, `username=ada&password=x`, `null`, `{"a":"\ud800"}`, "{\"\u017f\":\"1\",\"S\":\"2\"}"} {
		f.Add(true, seed)
		f.Add(false, seed)
	}
	f.Fuzz(func(t *testing.T, isJSON bool, text string) {
		kind := map[bool]string{true: "application/json"}[isJSON]
		got, ok := authserver.ReadBody(kind, text)
		if !ok {
			return
		}
		var want map[string]any
		if isJSON {
			if err := json.Unmarshal([]byte(text), &want); err != nil {
				t.Fatalf("accepted what is not JSON: %q", text)
			}
		} else {
			values, err := url.ParseQuery(text)
			if err != nil {
				t.Fatalf("accepted what is no form: %q", text)
			}
			want = map[string]any{}
			for name := range values {
				want[name] = values.Get(name)
			}
		}
		folded := map[string]any{}
		for name, v := range want {
			folded[strings.ToLower(name)] = v
		}
		for name, v := range got {
			if folded[name] != v {
				t.Fatalf("%q: %q is %v here and %v elsewhere", text, name, v, folded[name])
			}
		}
	})
}
