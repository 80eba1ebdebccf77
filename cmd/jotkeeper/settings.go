package main

import (
	"net/netip"
	"time"
)

// settings is everything that can be set, in one struct. Its zero value is
// never used: newSettings fills in the defaults, load lays file, environment,
// flags over them, complete derives what is still empty.
type settings struct {
	Addr              string
	DataDir           string
	Database          string
	Issuer            string
	AppDomains        []string
	Audience          string
	AdminUsername     string
	AdminPassword     string
	AdminPasswordFile string
	MasterKey         string
	MasterKeyFile     string
	SigningAlg        string
	TokenTyp          string
	AccessTTL         time.Duration
	RefreshIdle       time.Duration
	RefreshAbsolute   time.Duration
	RefreshGrace      time.Duration
	KeyRotation       time.Duration
	JWKSMaxAge        time.Duration
	MaxSessions       int
	Retention         time.Duration
	MaxStale          time.Duration
	FeedTokenFile     string
	TLSCert           string
	TLSKey            string
	BehindProxy       []netip.Prefix
	LogFormat         string
	Config            string

	origin map[string]string // where each setting that is not a default came from
	home   string
	data   string // $XDG_DATA_HOME
}

// An option is one setting as people meet it: --name, JOTKEEPER_NAME, name in
// the file.
type option struct {
	Name    string
	Value   value
	Doc     string // one line, for help
	More    string // the rest, for the reference page
	Absent  string // what happens when nobody sets it, when that is no plain value
	Example string // a value that works, shown as the remedy for one that does not
	Secret  bool   // its value never prints, and it is set by environment only
	Store   bool   // every command that opens the store has it as a flag
}

// newSettings returns the defaults for an environment.
func newSettings(env environment) *settings {
	return &settings{
		Addr:            "127.0.0.1:8080",
		AdminUsername:   "admin",
		SigningAlg:      "ES256",
		TokenTyp:        "at+jwt",
		AccessTTL:       15 * time.Minute,
		RefreshIdle:     30 * day,
		RefreshAbsolute: 90 * day,
		RefreshGrace:    30 * time.Second,
		KeyRotation:     30 * day,
		JWKSMaxAge:      5 * time.Minute,
		Retention:       time.Hour,
		MaxStale:        2 * time.Second,
		LogFormat:       "auto",
		origin:          map[string]string{},
		home:            env["HOME"],
		data:            env["XDG_DATA_HOME"],
	}
}

// options lists the settings in the order of help and of the reference page.
func (s *settings) options() []option {
	path := func(p *string) value { return pathValue{p, s.home} }
	span := func(p *time.Duration, min, max time.Duration) value { return spanValue{p, min, max} }
	return append(s.serverOptions(path), append(s.tokenOptions(span), s.edgeOptions(path)...)...)
}

func (s *settings) serverOptions(path func(*string) value) []option {
	return []option{
		{Name: "addr", Value: textValue{&s.Addr}, Example: "127.0.0.1:8080",
			Doc:  "address to listen on, host:port",
			More: "Any address but a loopback one also needs --tls-cert with --tls-key, or --behind-proxy with an https --issuer; without them the server refuses to start. Port 0 takes a free port."},
		{Name: "data-dir", Value: path(&s.DataDir), Example: "./data", Store: true,
			Doc:    "folder of the database, the master key, the admin password",
			Absent: "`$XDG_DATA_HOME/jotkeeper`, else `~/.local/share/jotkeeper`",
			More:   "Made with mode 0700. A folder that others can read is refused. One server at a time uses it; commands work beside that server."},
		{Name: "database", Value: textValue{&s.Database}, Example: "sqlite:///var/lib/jotkeeper/jotkeeper.db", Store: true,
			Doc:    "where accounts, sessions, keys, revocations are kept",
			Absent: "`jotkeeper.db` in the data directory",
			More:   "`sqlite:///absolute/path`. The folder must exist."},
		{Name: "issuer", Value: textValue{&s.Issuer}, Example: "https://id.example.com", Store: true,
			Doc:    "URL that tokens name as their issuer (iss), as the outside reaches it",
			Absent: "derived from --addr when that is loopback",
			More:   "A path, if it has one, goes before every route; no trailing slash. Changing it makes every token that is alive worthless, since verifiers compare it exactly."},
		{Name: "app-domains", Value: listValue{&s.AppDomains}, Example: "app.example.com,localhost:3000",
			Doc:    "hosts of your applications, host[:port] with commas: trusted origins, audiences",
			More:   "With http:// or https:// before it, only that scheme is trusted.",
			Absent: "loopback hosts only"},
		{Name: "audience", Value: textValue{&s.Audience}, Example: "app.example.com",
			Doc:    "audience (aud) of a caller that sends no Origin",
			Absent: "the first of --app-domains, else `localhost`"},
		{Name: "admin-username", Value: textValue{&s.AdminUsername}, Example: "admin",
			Doc: "user of the private routes (Basic auth)"},
		{Name: "admin-password", Value: textValue{&s.AdminPassword}, Secret: true,
			Doc:  "password of the private routes",
			More: "From the environment only: an argument shows in the process list. The file form is the better one."},
		{Name: "admin-password-file", Value: path(&s.AdminPasswordFile), Example: "/run/secrets/admin-password",
			Doc:    "file that holds the password of the private routes",
			Absent: "`admin-password` in the data directory, made with mode 0600 when it is not there"},
		{Name: "master-key", Value: textValue{&s.MasterKey}, Secret: true,
			Doc:  "key that encrypts the signing keys",
			More: "From the environment only, any text of 32 bytes or more. The file form is the better one."},
		{Name: "master-key-file", Value: path(&s.MasterKeyFile), Example: "/run/secrets/master-key", Store: true,
			Doc:    "file that holds the master keys, one a line, newest first",
			Absent: "`master-key` in the data directory, made with mode 0600 when it is not there",
			More:   "Any text of 32 bytes or more is a key. A line that starts with `accept ` holds a key that opens and does not sign: give a new key to every node that way first. Keep the file elsewhere than the data directory, and a copy of that directory is no longer a copy of the server."},
	}
}

func (s *settings) tokenOptions(span func(p *time.Duration, min, max time.Duration) value) []option {
	return []option{
		{Name: "signing-alg", Value: choiceValue{&s.SigningAlg, []string{"ES256", "ES384", "EdDSA", "RS256", "PS256"}}, Example: "ES256",
			Doc:  "signature algorithm of the next key",
			More: "ES256 is what every library verifies. A change takes hold at the next rotation, or at once with `jotkeeper key rotate`."},
		{Name: "token-typ", Value: choiceValue{&s.TokenTyp, []string{"at+jwt", "JWT"}}, Example: "at+jwt",
			Doc: "typ header of access tokens; JWT is for verifiers that know nothing newer"},
		{Name: "access-ttl", Value: span(&s.AccessTTL, time.Second, day), Example: "15m",
			Doc:  "lifetime of an access token",
			More: "Also how long a verifier that hears of no revocation goes on accepting a token of an ended session."},
		{Name: "refresh-idle", Value: span(&s.RefreshIdle, time.Second, 3650*day), Example: "30d",
			Doc: "a session that is not refreshed for so long ends"},
		{Name: "refresh-absolute", Value: span(&s.RefreshAbsolute, time.Second, 3650*day), Example: "90d",
			Doc: "a session ends after so long, whatever it does"},
		{Name: "refresh-grace", Value: span(&s.RefreshGrace, time.Second, 10*time.Minute), Example: "30s",
			Doc:  "how long a used refresh token is answered again (lost answers, several tabs)",
			More: "Longer while nobody has shown that the next one arrived. After a rotation there is no other one for three times as long."},
		{Name: "key-rotation", Value: span(&s.KeyRotation, time.Second, 3650*day), Example: "30d",
			Doc:  "a signing key signs for so long",
			More: "At least 4 × --jwks-max-age: the next key is published at least 3 × --jwks-max-age before it signs, so that every verifier has it."},
		{Name: "jwks-max-age", Value: span(&s.JWKSMaxAge, time.Second, day), Example: "5m",
			Doc: "how long a verifier may keep the key set without asking again"},
		{Name: "max-sessions", Value: countValue{&s.MaxSessions}, Example: "0",
			Doc: "live sessions an account may have, the least recently seen ends beyond; 0: no limit"},
		{Name: "retention", Value: span(&s.Retention, time.Minute, 30*day), Example: "1h",
			Doc:  "a service that follows revocations goes on where it stopped within so long",
			More: "After a longer absence, or more than 10,000 revocations, it reads every rule in force again. No revocation is lost either way."},
		{Name: "max-stale", Value: span(&s.MaxStale, time.Second, time.Hour), Example: "2s",
			Doc:  "a service that follows revocations is stale after so long without word",
			More: "The feed announces it, and a service that sets no `Feed.MaxStale` of its own goes by it. What a stale service does, its routes say. The server itself signs nothing when it has not read its own database for 2 seconds, whatever this says."},
	}
}

func (s *settings) edgeOptions(path func(*string) value) []option {
	return []option{
		{Name: "feed-token-file", Value: path(&s.FeedTokenFile), Example: "/run/secrets/feed-token",
			Doc:    "file of further credentials for following revocations, one a line",
			Absent: "only those that `jotkeeper feed token` made are good",
			More:   "For whoever hands out secrets by other means. Any text of 32 bytes or more without a space. The file is read at the start, and when a follower comes: a line that was taken out is refused within ten minutes."},
		{Name: "tls-cert", Value: path(&s.TLSCert), Example: "/etc/jotkeeper/tls.crt",
			Doc:    "certificate chain, PEM; read again on SIGHUP",
			Absent: "no TLS"},
		{Name: "tls-key", Value: path(&s.TLSKey), Example: "/etc/jotkeeper/tls.key",
			Doc:    "key of --tls-cert, PEM, readable by its owner only",
			Absent: "no TLS"},
		{Name: "behind-proxy", Value: networksValue{&s.BehindProxy}, Example: "10.0.0.0/8",
			Doc:    "networks of the reverse proxies whose X-Forwarded-… is believed",
			Absent: "no proxy is believed"},
		{Name: "log-format", Value: choiceValue{&s.LogFormat, []string{"auto", "text", "json"}}, Example: "json",
			Doc: "log lines on stderr; auto: text on a terminal, json else"},
		{Name: "config", Value: path(&s.Config), Example: "jotkeeper.yaml", Store: true,
			Doc:    "YAML file with any of these settings",
			Absent: "no file"},
	}
}

// set tells whether anybody set an option.
func (s *settings) set(name string) bool { return s.origin[name] != "" }
