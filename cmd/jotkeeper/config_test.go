package main

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the generated reference pages")

// effective returns what config print says of one setting: value and origin.
func effective(t *testing.T, name string, env []string, args ...string) (value, origin string) {
	t.Helper()
	r := jotkeeper(t, env, "", append([]string{"config", "print", "-o", "json"}, args...)...).wants(t, exitOK)
	var all []settingJSON
	if err := json.Unmarshal([]byte(r.Out), &all); err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		if one.Name == name {
			return one.Value, one.Origin
		}
	}
	t.Fatalf("config print does not know %s", name)
	return "", ""
}

// Rule 13 of the house: flag > environment > file > default.
func TestSettingPrecedence(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "jk.yaml"), "# times\naccess-ttl: 7m\n")
	env := []string{"JOTKEEPER_ACCESS_TTL=8m"}
	byFile := []string{"--config", file}
	byFlag := append(byFile, "--access-ttl", "9m")
	for _, c := range []struct {
		env           []string
		args          []string
		value, origin string
	}{
		{nil, nil, "15m", "default"},
		{nil, byFile, "7m", file + ":2 access-ttl"},
		{env, byFile, "8m", "JOTKEEPER_ACCESS_TTL"},
		{env, byFlag, "9m", "--access-ttl"},
		{[]string{"JOTKEEPER_CONFIG=" + file}, nil, "7m", file + ":2 access-ttl"},
		{[]string{"JOTKEEPER_ACCESS_TTL="}, nil, "15m", "default"},
	} {
		value, origin := effective(t, "access-ttl", c.env, c.args...)
		if value != c.value || origin != c.origin {
			t.Errorf("%v %v: %s by %s, want %s by %s", c.env, c.args, value, origin, c.value, c.origin)
		}
	}
}

// A person repairs the configuration once, not once per mistake.
func TestEveryConfigurationErrorAtOnce(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "jk.yaml"), `adr: 127.0.0.1:80
access_ttl: 5m
master-key: hunter2-hunter2-hunter2-hunter2-hunter2
refresh-idle: 3 weeks
issuer: {a: b}
config: other.yaml
`)
	r := jotkeeper(t, []string{"JOTKEEPER_SIGNIN_ALG=ES256", "JOTKEEPER_MAX_SESSIONS=-1", "JOTKEEPER_PORT=tcp://10.0.0.1:80"}, "",
		"config", "check", "--config", file, "--addr", "0.0.0.0:80", "--signing-alg", "HS256", "--key-rotation", "1m", "--app-domains", "a/b", "--database", "postgres://db/jk")
	r.wants(t, exitConfig,
		"jotkeeper: 14 settings are wrong\n",
		file+":1 adr is not a setting\n    try: addr\n",
		file+":2 access_ttl is not a setting\n    try: access-ttl\n",
		file+":3 master-key is a secret, which a configuration file does not hold\n    try: master-key-file: /run/secrets/master-key\n",
		file+`:4 refresh-idle "3 weeks" is not a length of time`+"\n    try: refresh-idle: 30d\n",
		file+":5 issuer is not a plain value\n    try: issuer: https://id.example.com\n",
		file+":6 config names a file from within a file\n",
		"JOTKEEPER_SIGNIN_ALG is not a setting\n    try: JOTKEEPER_SIGNING_ALG\n",
		`JOTKEEPER_MAX_SESSIONS "-1" is not a whole number, 0 or above`+"\n    try: JOTKEEPER_MAX_SESSIONS=0\n",
		`--signing-alg "HS256" is none of ES256, ES384, EdDSA, RS256, PS256`+"\n    try: --signing-alg ES256\n",
		`--key-rotation "1m" is shorter than 4 × --jwks-max-age 5m`,
		`--app-domains "a/b" is not host, host:port or an origin`,
		"--database names a postgres database, and this version keeps only SQLite",
		`--addr "0.0.0.0:80" is reached by others, and passwords would travel in the clear`,
	)
	if strings.Contains(r.Err, "hunter2") {
		t.Errorf("a secret was repeated:\n%s", r.Err)
	}
	if strings.Contains(r.Err, "JOTKEEPER_PORT") {
		t.Errorf("a variable that a cluster sets was taken for a typo:\n%s", r.Err)
	}
}

func TestConfigurationSaysWhatToAdd(t *testing.T) {
	key := write(t, filepath.Join(t.TempDir(), "tls.key"), "x")
	for _, c := range []struct {
		args []string
		env  []string
		says []string
	}{
		{[]string{"--addr", "0.0.0.0:8080", "--issuer", "https://id.example.com"}, nil, []string{"try: --tls-cert FILE --tls-key FILE, or --behind-proxy 10.0.0.0/8"}},
		{[]string{"--addr", ":8080", "--behind-proxy", "10.0.0.0/8"}, nil, []string{"try: --issuer https://id.example.com"}},
		{[]string{"--addr", ":8080", "--behind-proxy", "10.0.0.0/8", "--issuer", "http://127.0.0.1:8080"}, nil, []string{"is http, and :8080 is reached by others"}},
		{[]string{"--addr", "8080"}, nil, []string{`--addr "8080" is not host:port`}},
		{[]string{"--issuer", "https://id.example.com/"}, nil, []string{"ends with a slash"}},
		{[]string{"--issuer", "http://id.example.com"}, nil, []string{"is http, which is for loopback only"}},
		{[]string{"--issuer", "id.example.com"}, nil, []string{"is not an https URL"}},
		{[]string{"--tls-cert", "a"}, nil, []string{"is set without --tls-key"}},
		{[]string{"--tls-key", key}, nil, []string{"is set without --tls-cert"}},
		{[]string{"--behind-proxy", "ten"}, nil, []string{`"ten" is not a network`}},
		{[]string{"--refresh-idle", "91d"}, nil, []string{"is longer than --refresh-absolute 90d"}},
		{[]string{"--access-ttl", "1h", "--refresh-idle", "30m"}, nil, []string{"is longer than --refresh-idle 30m"}},
		{[]string{"--access-ttl", "10ms"}, nil, []string{"is below 1s, the least"}},
		{[]string{"--access-ttl", "2d"}, nil, []string{"is above 1d, the most"}},
		{[]string{"--admin-username", "a:b"}, nil, []string{"holds a colon"}},
		{[]string{"--database", "jk.db"}, nil, []string{"is not sqlite:// with an absolute path"}},
		{[]string{"--config", "/nowhere/jk.yaml"}, nil, []string{"cannot be read: no such file or directory\n    try: jotkeeper config init /nowhere/jk.yaml"}},
		{[]string{"--master-key-file", "k"}, []string{"JOTKEEPER_MASTER_KEY=0123456789abcdef0123456789abcdef"}, []string{"JOTKEEPER_MASTER_KEY is set beside --master-key-file"}},
		{nil, []string{"JOTKEEPER_MASTER_KEY=short"}, []string{"JOTKEEPER_MASTER_KEY is shorter than 32 bytes"}},
		{nil, []string{"JOTKEEPER_ADMIN_PASSWORD=short"}, []string{"JOTKEEPER_ADMIN_PASSWORD is shorter than 16 bytes"}},
	} {
		jotkeeper(t, c.env, "", append([]string{"config", "check"}, c.args...)...).wants(t, exitConfig, append(c.says, "one setting is wrong")...)
	}
}

func TestBrokenYAMLNamesItsLine(t *testing.T) {
	dir := t.TempDir()
	for text, says := range map[string]string{
		"addr: [":                         "is not YAML: line 1:",
		"access-ttl: 5m\naccess-ttl: 6m":  "is not YAML: line 2:",
		"- addr":                          "is not a list of settings",
		"addr":                            "is not a list of settings",
		"app-domains: [[a]]":              "is not a plain value",
		"access-ttl: 5m\n---\nadr: other": "adr is not a setting",
	} {
		jotkeeper(t, nil, "", "config", "check", "--config", write(t, filepath.Join(dir, "jk.yaml"), text)).wants(t, exitConfig, says)
	}
}

// Nothing has to be set: no file, an empty one, keys without a value.
func TestAbsentKeysWork(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "{}\n", "addr:\nissuer: null\napp-domains: []\n", "---\n"} {
		file := write(t, filepath.Join(t.TempDir(), "jk.yaml"), text)
		jotkeeper(t, nil, "", "config", "check", "--config", file).wants(t, exitOK, "the configuration is fine")
	}
	jotkeeper(t, nil, "", "config", "check").wants(t, exitOK)
}

func TestConfigPrintHidesSecrets(t *testing.T) {
	env := []string{"JOTKEEPER_MASTER_KEY=a-master-key-of-more-than-32-bytes", "JOTKEEPER_ADMIN_PASSWORD=an-admin-password-long"}
	for _, form := range []string{"text", "json"} {
		r := jotkeeper(t, env, "", "config", "print", "-o", form).wants(t, exitOK)
		if strings.Contains(r.Out, "more-than-32") || strings.Contains(r.Out, "password-long") || strings.Count(r.Out, "[secret]") != 2 {
			t.Errorf("secrets in %s:\n%s", form, r.Out)
		}
	}
}

// Every line that config init writes works when its # is taken away.
func TestConfigInit(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "jk.yaml")
	jotkeeper(t, nil, "", "config", "init", path).wants(t, exitOK, "wrote "+path)
	jotkeeper(t, nil, "", "config", "init", path).wants(t, exitConfig, path+" is there already", "try: jotkeeper config init --force "+path)
	jotkeeper(t, nil, "", "config", "init", "--force", path).wants(t, exitOK)
	jotkeeper(t, nil, "", "config", "check", "--config", path).wants(t, exitOK)

	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	live := regexp.MustCompile(`(?m)^#([a-z])`).ReplaceAllString(string(text), "$1")
	live = regexp.MustCompile(`(?m)^tls-.*\n`).ReplaceAllString(live, "") // files that are not here
	jotkeeper(t, nil, "", "config", "check", "--config", write(t, path, live)).wants(t, exitOK)
	for _, o := range newSettings(environment{}).options() {
		if has := strings.Contains(live, "\n"+o.Name+": ") || strings.HasPrefix(o.Name, "tls-"); has == (o.Secret || o.Name == "config") {
			t.Errorf("%s stands in the file: %v", o.Name, has)
		}
	}
}

func TestConfigCheckJSON(t *testing.T) {
	r := jotkeeper(t, nil, "", "config", "check", "-o", "json", "--access-ttl", "soon").wants(t, exitConfig)
	var got struct {
		Valid bool
		Wrong []complaintJSON
	}
	if err := json.Unmarshal([]byte(r.Out), &got); err != nil {
		t.Fatal(err)
	}
	want := complaintJSON{`--access-ttl "soon"`, "is not a length of time", "--access-ttl 15m"}
	if got.Valid || len(got.Wrong) != 1 || got.Wrong[0] != want {
		t.Errorf("got %+v", got)
	}
}

// One struct: each field of settings is an option, and each option a field.
func TestEveryFieldIsAnOption(t *testing.T) {
	s := newSettings(environment{})
	fields := map[string]bool{}
	for f := range reflect.TypeFor[settings]().Fields() {
		if f.IsExported() {
			fields[strings.ToLower(f.Name)] = true
		}
	}
	for _, o := range s.options() {
		name := strings.ReplaceAll(o.Name, "-", "")
		if !fields[name] {
			t.Errorf("--%s has no field", o.Name)
		}
		delete(fields, name)
		if o.Doc == "" || (o.Example == "" && !o.Secret) || strings.HasSuffix(o.Doc, ".") {
			t.Errorf("--%s lacks its line of help or its example", o.Name)
		}
	}
	for name := range fields {
		t.Errorf("settings.%s is no option", name)
	}
}

func TestSpans(t *testing.T) {
	for text, want := range map[string]time.Duration{"30d": 30 * day, "15m": 15 * time.Minute, "1h": time.Hour, "1m30s": 90 * time.Second, "5s": 5 * time.Second} {
		got, err := parseSpan(text)
		if err != nil || got != want || formatSpan(got) != text {
			t.Errorf("%s: %v %v, written %s", text, got, err, formatSpan(got))
		}
	}
	for _, text := range []string{"", "15", "-1d", "d", "1w", "99999999d"} {
		if d, err := parseSpan(text); err == nil {
			t.Errorf("%q was read as %v", text, d)
		}
	}
}
