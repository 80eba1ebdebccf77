package main

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jotkeeper/jotkeeper/jwt"
)

const here = "http://127.0.0.1:8080"

// keyFile makes a signing key and returns its PEM file.
func keyFile(t *testing.T, alg jwt.Algorithm) string {
	t.Helper()
	key, err := jwt.GenerateKey(alg)
	if err != nil {
		t.Fatal(err)
	}
	der, err := key.MarshalPKCS8()
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return write(t, filepath.Join(t.TempDir(), "key.pem"), string(text))
}

// signed signs a token for account 42 in the application app.
func signed(t *testing.T, key string, args ...string) string {
	t.Helper()
	args = append([]string{"token", "sign", "--key", key, "--issuer", here, "--subject", "42", "--audience", "app"}, args...)
	return strings.TrimSpace(jotkeeper(t, nil, "", args...).wants(t, exitOK).Out)
}

func TestVerifySaysWhatItChecked(t *testing.T) {
	for _, alg := range []jwt.Algorithm{jwt.ES256, jwt.ES384, jwt.EdDSA, jwt.RS256} {
		key := keyFile(t, alg)
		raw := signed(t, key)
		r := jotkeeper(t, nil, "", "token", "verify", "--jwks", key, "--issuer", here, "--audience", "app", raw).wants(t, exitOK)
		lines := strings.Split(r.Out, "\n")
		if !strings.HasPrefix(lines[0], "valid      "+string(alg)+", key ") ||
			!strings.Contains(lines[0], ", typ at+jwt, iss, aud, exp (in 14 min ") || !strings.HasSuffix(lines[0], " s), nbf, iat, sub, jti, sid") {
			t.Errorf("said %q", lines[0])
		}
		if lines[1] != "unchecked  revocation (add --check to ask the issuer)" || r.Err != "" || len(lines) != 3 {
			t.Errorf("said %q, %q", r.Out, r.Err)
		}
	}
}

// Each refusal has its reason and its exit code; the token is a good one with
// one thing wrong.
func TestVerifyExitCodes(t *testing.T) {
	key, other := keyFile(t, jwt.ES256), keyFile(t, jwt.ES256)
	good := signed(t, key)
	bent := []byte(good)
	if bent[len(bent)-20]++; bent[len(bent)-20] == '{' || bent[len(bent)-20] == '[' || bent[len(bent)-20] == ':' || bent[len(bent)-20] == '.' || bent[len(bent)-20] == '`' {
		bent[len(bent)-20] = 'B'
	}
	for _, c := range []struct {
		name, token string
		args        []string
		code        int
		reason      jwt.Reason
	}{
		{"good", good, nil, exitOK, ""},
		{"not a token", "hello", nil, exitMalformed, jwt.Malformed},
		{"cut off", good[:len(good)-62], nil, exitSignature, jwt.Signature},
		{"bent", string(bent), nil, exitSignature, jwt.Signature},
		{"another's key", good, []string{"--jwks", other}, exitSignature, jwt.BadKey},
		{"another type", signed(t, key, "--typ", "reset+jwt"), nil, exitSignature, jwt.Header},
		{"expired", signed(t, key, "--ago", "1h"), nil, exitClaims, jwt.Expired},
		{"another audience", good, []string{"--audience", "shop"}, exitClaims, jwt.BadAud},
		{"another issuer", good, []string{"--issuer", "https://id.example.com"}, exitClaims, jwt.Issuer},
		{"no such file", good, []string{"--jwks", "/nowhere"}, exitOutside, jwt.Unavailable},
		{"http elsewhere", good, []string{"--jwks", "http://id.example.com/jwks"}, exitOutside, jwt.Unavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := append([]string{"token", "verify", "--jwks", key, "--issuer", here}, c.args...)
			if !strings.Contains(strings.Join(c.args, " "), "--audience") {
				args = append(args, "--audience", "app")
			}
			text := jotkeeper(t, nil, c.token, args...).wants(t, c.code)
			if want := "refused    " + string(c.reason) + ": "; c.code != exitOK && !strings.HasPrefix(text.Out, want) {
				t.Errorf("said %q, want %q", text.Out, want)
			}
			var got verdict
			r := jotkeeper(t, nil, c.token, append(args, "-o", "json")...).wants(t, c.code)
			if err := json.Unmarshal([]byte(r.Out), &got); err != nil {
				t.Fatal(err)
			}
			genuine := c.code == exitOK || c.code == exitClaims
			if got.Valid != (c.code == exitOK) || got.Reason != c.reason || (string(got.Claims) != "null") != genuine {
				t.Errorf("answered %s", r.Out)
			}
		})
	}
}

// The JSON form is pinned: these members, and no other.
func TestVerifyJSONMembers(t *testing.T) {
	key := keyFile(t, jwt.ES256)
	r := jotkeeper(t, nil, "", "token", "verify", "-o", "json", "--jwks", key, "--audience", "app", signed(t, key)).wants(t, exitOK)
	var got map[string]any
	if err := json.Unmarshal([]byte(r.Out), &got); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"valid", "reason", "detail", "header", "claims", "unchecked"} {
		if _, ok := got[name]; !ok {
			t.Errorf("%s is missing from %s", name, r.Out)
		}
		delete(got, name)
	}
	if len(got) != 0 {
		t.Errorf("and there is %v", got)
	}
}

// Without --issuer nobody said who it must be: the answer says so.
func TestVerifyNamesTheUncheckedIssuer(t *testing.T) {
	key := keyFile(t, jwt.ES256)
	r := jotkeeper(t, nil, "", "token", "verify", "--jwks", key, "--audience", "app", signed(t, key)).wants(t, exitOK)
	if !strings.Contains(r.Out, "unchecked  issuer (add --issuer to say who it must be)\n") {
		t.Errorf("said %q", r.Out)
	}
}

func TestVerifyRefusesHalfAQuestion(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"--audience", "app"}, "whose keys?"},
		{[]string{"--issuer", here}, "--audience is not given"},
		{[]string{"--jwks", "k", "--audience", "app", "--check"}, "only --issuer says who that is"},
		{[]string{"--issuer", here, "--audience", "app", "--typ", ""}, "--typ is empty"},
		{[]string{"--issuer", here, "--audience", "app", "a", "b"}, "one argument too many"},
		{[]string{"-o", "yaml"}, "is none of text, json"},
	} {
		jotkeeper(t, nil, "", append([]string{"token", "verify"}, c.args...)...).wants(t, exitUsage, c.says, "  try: ")
	}
}

// An issuer answers --check; what it says decides, what it fails to say is no
// verdict on the token.
func TestVerifyAsksTheIssuer(t *testing.T) {
	key := keyFile(t, jwt.ES256)
	for _, c := range []struct {
		name   string
		status int
		body   string
		code   int
		says   string
	}{
		{"alive", 200, `{"active":true}`, exitOK, "checked    revocation: its issuer says that it is alive"},
		{"revoked", 401, `{"code":"revoked","detail":"This session has ended."}`, exitRevoked, "refused    revoked: its issuer says: This session has ended."},
		{"expired there", 401, `{"code":"expired","detail":"x"}`, exitClaims, "refused    expired"},
		{"inactive", 200, `{"active":false}`, exitOutside, "refused    unavailable"},
		{"down", 503, `{"code":"unavailable"}`, exitOutside, "answered 503"},
		{"a page", 200, `<html>`, exitOutside, "without JSON"},
		{"elsewhere", 302, `{"active":true}`, exitOutside, "answered 302"},
		{"rude", 401, `{"code":"revoked","detail":"\u001b[2J"}`, exitRevoked, `\u001b[2J`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var raw string
			issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/revocation/v1/check" || r.Header.Get("Authorization") != "Bearer "+raw {
					t.Errorf("asked %s with %q", r.URL, r.Header.Get("Authorization"))
				}
				w.Header().Set("Location", "http://127.0.0.1:1/")
				w.WriteHeader(c.status)
				io.WriteString(w, c.body)
			}))
			defer issuer.Close()
			raw = signed(t, key, "--issuer", issuer.URL)
			r := jotkeeper(t, nil, "", "token", "verify", "--check", "--jwks", key, "--issuer", issuer.URL, "--audience", "app", raw).wants(t, c.code)
			if !strings.Contains(r.Out, c.says) {
				t.Errorf("said %q, want %q", r.Out, c.says)
			}
		})
	}
}

func TestTokenComesByArgumentStdinOrFile(t *testing.T) {
	raw := signed(t, keyFile(t, jwt.ES256))
	file := write(t, filepath.Join(t.TempDir(), "token"), "Bearer "+raw+"\n")
	for name, r := range map[string]terminal{
		"argument": jotkeeper(t, nil, "", "token", "inspect", raw),
		"stdin":    jotkeeper(t, nil, raw+"\n", "token", "inspect", "-"),
		"nothing":  jotkeeper(t, nil, " bearer "+raw, "token", "inspect"),
		"file":     jotkeeper(t, nil, "", "token", "inspect", file),
	} {
		if r.Code != exitOK || !strings.HasPrefix(r.Out, "NOTHING WAS VERIFIED") {
			t.Errorf("%s: %d %s%s", name, r.Code, r.Out, r.Err)
		}
	}
	jotkeeper(t, nil, strings.Repeat("a", 2<<20), "token", "inspect", "-").wants(t, exitMalformed, "this is not a token")
}

func TestInspectShowsTimesAndSizes(t *testing.T) {
	raw := signed(t, keyFile(t, jwt.ES256), "--claim", `plan={"name":"pro"}`, "--claim", "note=\x1b[31mred\u202e")
	r := jotkeeper(t, nil, "", "token", "inspect", raw).wants(t, exitOK)
	for _, text := range []string{`"ES256"`, "Z (in 14 min ", "Z (now)", `{"name":"pro"}`, " of them claims", "size    "} {
		if !strings.Contains(r.Out, text) {
			t.Errorf("%q is missing from\n%s", text, r.Out)
		}
	}
	if strings.ContainsAny(r.Out, "\x1b\u202e") {
		t.Errorf("a claim wrote to the terminal: %q", r.Out)
	}
	// Not everybody escapes as we do.
	foreign := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." +
		base64.RawURLEncoding.EncodeToString([]byte("{\"na\u202eme\":\"\u202etxt.exe\u009b2J\"}")) + ".AAAA"
	r = jotkeeper(t, nil, "", "token", "inspect", foreign).wants(t, exitOK)
	if strings.ContainsAny(r.Out, "\u202e\u009b") || !strings.Contains(r.Out, `\u202etxt.exe`) {
		t.Errorf("a claim wrote to the terminal: %q", r.Out)
	}
	var got struct {
		Verified *bool
		Claims   map[string]any
		Bytes    int
	}
	r = jotkeeper(t, nil, "", "token", "inspect", "-o", "json", raw).wants(t, exitOK)
	if err := json.Unmarshal([]byte(r.Out), &got); err != nil || got.Verified == nil || *got.Verified || got.Claims["sub"] != "42" || got.Bytes != len(raw) {
		t.Errorf("%v: %s", err, r.Out)
	}
}

func TestSignRefusals(t *testing.T) {
	key := keyFile(t, jwt.ES256)
	base := []string{"token", "sign", "--key", key, "--issuer", here}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{nil, exitUsage, "a token has a subject and an audience"},
		{[]string{"--subject", "42", "--audience", "app", "--claim", "x"}, exitUsage, `--claim "x" is not name=value`},
		{[]string{"--subject", "42", "--audience", "app", "--claim", "iss=evil"}, exitUsage, "--claim iss: "},
		{[]string{"--subject", "42", "--audience", "app", "--claim", "big=" + strings.Repeat("a", 4000)}, exitOther, "big"},
		{[]string{"--subject", "42", "--audience", "app", "--key", "/nowhere"}, exitConfig, "cannot be read: no such file"},
		{[]string{"--subject", "42", "--audience", "app", "--key", write(t, filepath.Join(t.TempDir(), "k"), "x")}, exitConfig, "holds no PKCS #8 key"},
		{[]string{"--subject", "42", "--audience", "app", "--alg", "RS256"}, exitConfig, "unusable key"},
	} {
		jotkeeper(t, nil, "", append(base, c.args...)...).wants(t, c.code, c.says, "  try: ")
	}
}
