package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/spf13/cobra"
)

// A signing is what token sign is asked.
type signing struct {
	Key      string
	Alg      string
	Issuer   string
	Audience []string
	Subject  string
	Session  string
	Scope    string
	Typ      string
	TTL      time.Duration
	Ago      time.Duration
	Claims   []string
	Sealed   []string
	For      []string
}

func (p *program) tokenSignCommand() *cobra.Command {
	q := signing{TTL: 15 * time.Minute, Typ: string(jwt.KindAccess)}
	c := &cobra.Command{
		Use: "sign --subject ID --audience NAME", Short: "sign a token, for tests", Args: takes(0, 0),
		Long: "Signs an access token and writes it on stdout, so that you can test what a service does with it. With\n" +
			"--key a key of yours signs (PEM, PKCS #8); without, the server's own active key from the data directory:\n" +
			"such a token is accepted wherever that server's are. No session stands behind it.",
		Example: "  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out test.pem\n" +
			"  jotkeeper token sign --key test.pem --issuer http://127.0.0.1:8080 --subject 42 --audience localhost\n" +
			"  jotkeeper token sign --subject 42 --audience localhost --claim plan=pro --ago 1h",
		RunE: func(c *cobra.Command, _ []string) error {
			raw, err := p.sign(c.Context(), &q)
			if err != nil {
				return err
			}
			if p.json() {
				return p.writeJSON(map[string]string{"token": raw})
			}
			fmt.Fprintln(p.stdout, raw)
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&q.Key, "key", "", "file with the key that signs (default: the server's active key)")
	f.StringVar(&q.Alg, "alg", "", "algorithm, where the key of --key leaves a choice (RS256 or PS256)")
	f.StringVar(&q.Subject, "subject", "", "sub: whom it is about")
	f.Var(listValue{&q.Audience}, "audience", "aud: whom it is for; several with commas")
	f.StringVar(&q.Session, "session", "", "sid (default: a random one)")
	f.StringVar(&q.Scope, "scope", "", "scope: rights with spaces between them")
	f.StringVar(&q.Typ, "typ", q.Typ, "typ of the header")
	f.Var(spanValue{&q.TTL, time.Second, 3650 * day}, "ttl", "lifetime")
	f.Var(spanValue{&q.Ago, 0, 3650 * day}, "ago", "sign as if it were so long ago, for an expired token")
	f.StringArrayVar(&q.Claims, "claim", nil, "name=value, a claim of your own; value is JSON, else text")
	f.StringArrayVar(&q.Sealed, "sealed", nil, "name=value, a claim of your own that only the keys of --for open")
	f.Var(listValue{&q.For}, "for", "file with a key that opens the sealed claims; several with commas")
	p.outputFlag(c)
	p.settingFlags(c, storeOption)
	return exits(c, exitOK, exitOther, exitUsage, exitOutside, exitConfig)
}

func (p *program) sign(ctx context.Context, q *signing) (string, error) {
	if q.Subject == "" || len(q.Audience) == 0 {
		f := usage("token sign: a token has a subject and an audience")
		f.Try = []string{"--subject 42 --audience localhost"}
		return "", f
	}
	now := time.Now().Add(-q.Ago)
	claims, err := q.claims(now)
	if err != nil {
		return "", err
	}
	if q.Key == "" {
		return p.signAsServer(ctx, q, claims)
	}
	key, err := q.ownKey()
	if err != nil {
		return "", err
	}
	if claims.Issuer = p.flags["issuer"].Text; claims.Issuer == "" {
		f := usage("token sign: --key needs --issuer: whose key is it?")
		f.Try = []string{"--issuer http://127.0.0.1:8080"}
		return "", f
	}
	signer := jwt.NewSigner(func(time.Time) (*jwt.PrivateKey, error) { return key, nil }, jwt.KindAccess)
	return q.signed(signer, claims)
}

// signAsServer signs with the active key of the data directory.
func (p *program) signAsServer(ctx context.Context, q *signing, claims *jwt.Access) (string, error) {
	h, err := p.openBeside(ctx)
	if err != nil {
		return "", err
	}
	defer h.close()
	claims.Issuer = h.set.Issuer
	raw, err := q.signed(h.keys.Signer(jwt.KindAccess), claims)
	if err == nil {
		p.say("signed with the server's own key: whoever trusts %s accepts this token", h.set.Issuer)
	}
	return raw, err
}

func (q *signing) signed(signer *jwt.Signer, claims *jwt.Access) (string, error) {
	raw, err := signer.As(jwt.KindAccess, q.Typ).Sign(time.Now(), claims)
	if err != nil {
		return "", fail(exitOther, detailOf(err), "jotkeeper token sign --help")
	}
	return raw, nil
}

func (q *signing) claims(now time.Time) (*jwt.Access, error) {
	c := &jwt.Access{Scope: q.Scope, AuthTime: jwt.TimeOf(now), Registered: jwt.Registered{
		Subject: q.Subject, Audience: q.Audience, ID: jwt.NewID(), SessionID: q.Session,
		IssuedAt: jwt.TimeOf(now), NotBefore: jwt.TimeOf(now), Expires: jwt.TimeOf(now.Add(q.TTL)),
	}}
	if c.SessionID == "" {
		c.SessionID = jwt.NewID()
	}
	if err := eachClaim("--claim", q.Claims, c.SetPrivate); err != nil {
		return nil, err
	}
	if len(q.Sealed) == 0 {
		return c, nil
	}
	keys, err := sealKeys(q.For, "", "token sign --for", jwt.ParseSealKey)
	if err != nil {
		return nil, err
	}
	return c, eachClaim("--sealed", q.Sealed, func(name string, value any) error {
		return c.SealPrivate(name, value, jwt.Sealing{For: keys})
	})
}

// eachClaim puts the name=value pairs of a flag.
func eachClaim(flag string, pairs []string, put func(name string, value any) error) error {
	for _, pair := range pairs {
		name, text, ok := strings.Cut(pair, "=")
		if !ok {
			f := usage("token sign: %s %q is not name=value", flag, pair)
			f.Try = []string{flag + " plan=pro"}
			return f
		}
		if err := put(name, jsonOrText(text)); err != nil {
			return fail(exitUsage, "token sign: "+flag+" "+name+": "+err.Error(), "a name of your own, such as "+flag+" plan=pro")
		}
	}
	return nil
}

func jsonOrText(text string) any {
	if json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	return text
}

// ownKey reads the key of --key.
func (q *signing) ownKey() (*jwt.PrivateKey, error) {
	data, err := os.ReadFile(q.Key)
	if err != nil {
		return nil, fail(exitConfig, q.Key+" cannot be read: "+cause(err), "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "+q.Key)
	}
	key, err := parsePEM(data, jwt.Algorithm(q.Alg))
	if err != nil {
		return nil, fail(exitConfig, q.Key+": "+err.Error(), "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out test.pem")
	}
	return key, nil
}

// parsePEM reads a private key; alg may be empty where the key has but one.
func parsePEM(data []byte, alg jwt.Algorithm) (*jwt.PrivateKey, error) {
	block, _ := pem.Decode(data)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, fmt.Errorf("holds no PKCS #8 key (-----BEGIN PRIVATE KEY-----)")
	}
	if alg == "" {
		alg = algorithmOf(block.Bytes)
	}
	return jwt.ParsePKCS8(block.Bytes, alg)
}

// algorithmOf is what a key is for when nobody says.
func algorithmOf(der []byte) jwt.Algorithm {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return ""
	}
	switch key := key.(type) {
	case ed25519.PrivateKey:
		return jwt.EdDSA
	case *rsa.PrivateKey:
		return jwt.RS256
	case *ecdsa.PrivateKey:
		if key.Curve.Params().BitSize == 384 {
			return jwt.ES384
		}
	}
	return jwt.ES256
}
