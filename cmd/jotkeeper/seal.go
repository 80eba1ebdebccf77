package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/spf13/cobra"
)

// A sealing is what token seal and token open are asked.
type sealing struct {
	Keys       []string
	Alg        string
	Encryption string
	JSON       bool
	Beside     string
	Claim      string
}

func (p *program) tokenSealCommand() *cobra.Command {
	q := new(sealing)
	c := &cobra.Command{
		Use: "seal --key FILE [FILE|-]", Short: "seal what is read, for the holders of keys", Args: takes(0, 1),
		Long: "Seals a file or stdin as a JWE that only the holders of keys open, and writes it on stdout. A key is a public\n" +
			"key in PEM, or a JSON Web Key (a public one, or a secret of 32 bytes). With several keys each opens it.\n" +
			"A seal proves nothing about who made it.",
		Example: "  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out mailer.pem\n" +
			"  openssl pkey -in mailer.pem -pubout -out mailer.pub\n" +
			"  jotkeeper token seal --key mailer.pub letter.txt",
		RunE: func(_ *cobra.Command, args []string) error { return p.seal(q, args) },
	}
	q.keyFlags(c, "file with a key that shall open it")
	f := c.Flags()
	f.StringVar(&q.Encryption, "encryption", "A256GCM", "A256GCM or A128CBC-HS256")
	f.BoolVar(&q.JSON, "flattened", false, "write the flattened JSON serialization, not the compact one")
	f.StringVar(&q.Beside, "beside", "", "text that everybody reads and nobody changes (needs --flattened or several keys)")
	p.outputFlag(c)
	return exits(c, exitOK, exitOther, exitUsage, exitConfig)
}

func (p *program) tokenOpenCommand() *cobra.Command {
	q := new(sealing)
	c := &cobra.Command{
		Use: "open --key FILE [SEALED|FILE|-]", Short: "open what was sealed for a key", Args: takes(0, 1),
		Long: "Opens a JWE with the one of your keys that it was sealed for, and writes what it held on stdout. A key is a\n" +
			"private key in PEM (PKCS #8), or a JSON Web Key. With --claim it opens that claim of a signed token, whose\n" +
			"signature it does not verify. Whatever is wrong with the content, the refusal is the same.",
		Example: "  jotkeeper token open --key mailer.pem letter.sealed\n" +
			"  jotkeeper token open --key mailer.pem --claim email - < token",
		RunE: func(_ *cobra.Command, args []string) error { return p.open(q, args) },
	}
	q.keyFlags(c, "file with a key to open it with")
	c.Flags().StringVar(&q.Claim, "claim", "", "open this claim of a signed token")
	p.outputFlag(c)
	return exits(c, exitOK, exitOther, exitUsage, exitMalformed, exitSignature, exitClaims, exitConfig)
}

func (q *sealing) keyFlags(c *cobra.Command, file string) {
	c.Flags().Var(listValue{&q.Keys}, "key", file+"; several with commas")
	c.Flags().StringVar(&q.Alg, "alg", "", "algorithm, where a key does not say (default ECDH-ES+A256KW or RSA-OAEP-256)")
}

func (p *program) seal(q *sealing, args []string) error {
	keys, err := sealKeys(q.Keys, q.Alg, "token seal", jwt.ParseSealKey)
	if err != nil {
		return err
	}
	plaintext, err := p.plaintext(args)
	if err != nil {
		return err
	}
	sealed, err := jwt.Seal(plaintext, jwt.Sealing{For: keys, Encryption: q.Encryption, JSON: q.JSON, Beside: []byte(q.Beside)})
	if err != nil {
		return fail(exitOther, err.Error(), "jotkeeper token seal --help")
	}
	if p.json() {
		return p.writeJSON(map[string]string{"sealed": sealed})
	}
	fmt.Fprintln(p.stdout, sealed)
	return nil
}

// plaintext reads the file or stdin to its end, one byte beyond what is sealed.
func (p *program) plaintext(args []string) ([]byte, error) {
	in, name := p.stdin, "stdin"
	if len(args) > 0 && args[0] != "-" {
		f, err := os.Open(args[0])
		if err != nil {
			return nil, fail(exitOther, args[0]+" cannot be read: "+cause(err), "a file to seal, or - for stdin")
		}
		defer f.Close()
		in, name = f, args[0]
	}
	data, err := io.ReadAll(io.LimitReader(in, maxTokenInput))
	if err != nil {
		return nil, fail(exitOther, name+" cannot be read: "+cause(err), "a file to seal, or - for stdin")
	}
	return data, nil
}

func (p *program) open(q *sealing, args []string) error {
	keys, err := sealKeys(q.Keys, q.Alg, "token open", jwt.ParseOpenKey)
	if err != nil {
		return err
	}
	text, err := p.token(args)
	if err != nil {
		return err
	}
	if q.Claim != "" {
		return p.openClaim(q.Claim, text, keys)
	}
	opened, err := jwt.Open(text, keys...)
	if err != nil {
		return shut(err)
	}
	if p.json() {
		return p.writeJSON(openedJSON(opened))
	}
	_, err = p.stdout.Write(opened.Plaintext)
	return err
}

// openClaim opens a sealed claim of a token that nobody has verified, and says so.
func (p *program) openClaim(name, raw string, keys []*jwt.OpenKey) error {
	seen, err := jwt.InspectUnverified(raw)
	if err != nil {
		return refused(err)
	}
	claims := new(jwt.Access)
	for _, m := range objectMembers([]byte(seen.Claims)) {
		if m.name == name {
			if err := claims.SetPrivate(name, json.RawMessage(m.text)); err != nil {
				return fail(exitClaims, err.Error(), "a claim of your own, sealed with SealPrivate")
			}
		}
	}
	var value any
	if err := claims.OpenPrivate(name, &value, keys...); err != nil {
		return shut(err)
	}
	p.say("the token's signature was not verified: anybody could have sealed this")
	if text, ok := value.(string); ok && !p.json() {
		fmt.Fprintln(p.stdout, printable(text))
		return nil
	}
	return p.writeJSON(value)
}

// openedJSON is what a seal held: its text, or base64 of what is none.
func openedJSON(o *jwt.Opened) map[string]string {
	out := map[string]string{"key": o.KeyID, "beside": string(o.Beside)}
	if utf8.Valid(o.Plaintext) {
		out["plaintext"] = string(o.Plaintext)
	} else {
		out["plaintext_base64"] = base64.StdEncoding.EncodeToString(o.Plaintext)
	}
	return out
}

func shut(err error) error {
	f := fail(exitCodeOf(err), "it is not opened: "+detailOf(err), "jotkeeper token open --help")
	f.Err = err
	return f
}

// sealKeys reads the keys of --key.
func sealKeys[K any](files []string, alg, command string, parse func([]byte, string) (K, error)) ([]K, error) {
	if len(files) == 0 {
		f := usage("%s: no key is given: who shall open it?", command)
		f.Try = []string{"jotkeeper token seal --help"}
		return nil, f
	}
	var keys []K
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, fail(exitConfig, file+" cannot be read: "+cause(err), "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem")
		}
		key, err := parse(data, alg)
		if err != nil {
			try := "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem"
			if strings.Contains(string(data), "PRIVATE KEY") {
				try = "openssl pkey -in " + file + " -pubout"
			}
			return nil, fail(exitConfig, file+": "+err.Error(), try)
		}
		keys = append(keys, key)
	}
	return keys, nil
}
