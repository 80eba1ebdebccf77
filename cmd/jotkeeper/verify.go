package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/spf13/cobra"
)

// A verification is what token verify is asked.
type verification struct {
	Issuer   string
	JWKS     string
	Audience []string
	Typ      []string
	Check    bool
}

// A verdict is what token verify answers: the pinned JSON form.
type verdict struct {
	Valid     bool            `json:"valid"`
	Reason    jwt.Reason      `json:"reason"`
	Detail    string          `json:"detail"`
	Header    json.RawMessage `json:"header"`
	Claims    json.RawMessage `json:"claims"`
	Unchecked []string        `json:"unchecked"`

	line string
	code int
}

func (p *program) tokenVerifyCommand() *cobra.Command {
	v := verification{Typ: []string{"at+jwt", "session+jwt"}}
	c := &cobra.Command{
		Use: "verify (--issuer URL|--jwks URL|FILE) --audience NAME [TOKEN|FILE|-]", Short: "verify a token and name the check that fails",
		Args: takes(0, 1),
		Long: "Verifies a token as any service would: signature by the issuer's published keys, issuer, audience, type,\n" +
			"times. It names the check that fails, by its exit code too. Whether the token was revoked only its issuer\n" +
			"can say at once: --check asks there, and sends it the token.",
		Example: "  jotkeeper token verify --issuer http://127.0.0.1:8080 --audience localhost eyJ…\n" +
			"  jotkeeper token verify --issuer https://id.example.com --audience app.example.com --check - < token\n" +
			"  jotkeeper token verify --jwks keys.json --audience localhost -o json token.txt",
		RunE: func(c *cobra.Command, args []string) error {
			if err := v.usable(c); err != nil {
				return err
			}
			raw, err := p.token(args)
			if err != nil {
				return err
			}
			return p.answer(v.judge(c.Context(), time.Now(), raw))
		},
	}
	f := c.Flags()
	f.StringVar(&v.Issuer, "issuer", "", "who must have signed it; its keys are found from here")
	f.StringVar(&v.JWKS, "jwks", "", "key set, URL or file (a PEM key will do), instead of the issuer's own")
	f.Var(listValue{&v.Audience}, "audience", "who it must be meant for; several with commas, one is enough")
	f.Var(listValue{&v.Typ}, "typ", "accepted types (default at+jwt,session+jwt)")
	f.BoolVar(&v.Check, "check", false, "ask the issuer whether it was revoked")
	p.outputFlag(c)
	return exits(c, exitOK, exitOther, exitUsage, exitMalformed, exitSignature, exitClaims, exitRevoked, exitOutside)
}

// usable refuses a question that would leave too much unasked.
func (v *verification) usable(c *cobra.Command) error {
	f := usage("%s: ", c.CommandPath())
	switch {
	case v.Issuer == "" && v.JWKS == "":
		f.Text += "whose keys? Neither --issuer nor --jwks is given"
		f.Try = []string{"--issuer http://127.0.0.1:8080"}
	case len(v.Audience) == 0:
		f.Text += "--audience is not given, and a token for one application must not open another"
		f.Try = []string{"--audience localhost"}
	case len(v.Typ) == 0:
		f.Text += "--typ is empty"
		f.Try = []string{"--typ at+jwt"}
	case v.Check && v.Issuer == "":
		f.Text += "--check sends the token to its issuer, and only --issuer says who that is"
		f.Try = []string{"--issuer http://127.0.0.1:8080"}
	default:
		return nil
	}
	return f
}

// judge verifies raw, first by itself, then by asking.
func (v *verification) judge(ctx context.Context, now time.Time, raw string) *verdict {
	seen, err := jwt.InspectUnverified(raw)
	if err != nil {
		return refusal(err)
	}
	issuer := v.Issuer
	if issuer == "" {
		var claims struct{ Iss string }
		_ = json.Unmarshal([]byte(seen.Claims), &claims)
		issuer = claims.Iss
	}
	keys, err := v.keys(ctx, now)
	if err != nil {
		return refusal(err)
	}
	verifier, err := jwt.NewVerifier[jwt.Access](jwt.VerifierConfig{
		Issuer: issuer, Audience: v.Audience, Keys: keys, Typ: v.Typ, CacheEntries: -1, ForeignHeaders: true,
	})
	if err != nil {
		return refusal(&jwt.Error{Reason: jwt.BadClaim, Detail: "iss is missing", Err: err})
	}
	token, err := verifier.Verify(ctx, now, raw)
	if err != nil {
		return refusal(err).showing(seen)
	}
	out := (&verdict{Valid: true}).showing(seen)
	out.line = validLine(token, seen, now)
	return v.revocation(ctx, raw, out)
}

// revocation settles what the signature cannot say.
func (v *verification) revocation(ctx context.Context, raw string, out *verdict) *verdict {
	if v.Issuer == "" {
		out.Unchecked = append(out.Unchecked, "issuer")
	}
	if !v.Check {
		out.Unchecked = append(out.Unchecked, "revocation")
		return out
	}
	if err := askIssuer(ctx, v.Issuer, raw); err != nil {
		bad := refusal(err)
		bad.Header, bad.Claims = out.Header, out.Claims
		return bad
	}
	return out
}

// showing adds what a genuine token says. Of one whose signature does not hold
// nothing is shown here: that is inspect's job, which says what it is worth.
func (d *verdict) showing(seen *jwt.Inspection) *verdict {
	if d.Valid || d.code == exitClaims || d.code == exitRevoked {
		d.Header, d.Claims = json.RawMessage(seen.Header), json.RawMessage(seen.Claims)
	}
	return d
}

// validLine names what was checked, then what else the token carries.
func validLine(token *jwt.Token[jwt.Access], seen *jwt.Inspection, now time.Time) string {
	var header struct{ Typ string }
	_ = json.Unmarshal([]byte(seen.Header), &header)
	claims := token.Claims()
	parts := []string{
		string(token.Algorithm()), "key " + token.KeyID(), "typ " + header.Typ, "iss", "aud",
		"exp (" + away(now, claims.Expires.Time()) + ")",
	}
	if claims.NotBefore != 0 {
		parts = append(parts, "nbf")
	}
	parts = append(parts, "iat", "sub", "jti")
	if claims.SessionID != "" {
		parts = append(parts, "sid")
	}
	return strings.Join(parts, ", ")
}

func refusal(err error) *verdict {
	reason := jwt.ReasonOf(err)
	if reason == "" {
		reason = jwt.Unavailable
	}
	return &verdict{Reason: reason, Detail: detailOf(err), code: exitCodeOf(err), Unchecked: []string{"revocation"}}
}

// detailOf is an error's sentence for the operator.
func detailOf(err error) string {
	var refused *jwt.Error
	if !errors.As(err, &refused) {
		return err.Error()
	}
	if refused.Reason == jwt.Unavailable && refused.Err != nil {
		return refused.Detail + ": " + refused.Err.Error()
	}
	return refused.Detail
}

// exitCodeOf gives each reason of the closed list its exit code.
func exitCodeOf(err error) int {
	switch jwt.ReasonOf(err) {
	case jwt.Malformed:
		return exitMalformed
	case jwt.Header, jwt.BadKey, jwt.Signature:
		return exitSignature
	case jwt.Revoked:
		return exitRevoked
	case jwt.Unavailable, "":
		return exitOutside
	}
	return exitClaims
}

// answer writes a verdict and ends with its code.
func (p *program) answer(d *verdict) error {
	if p.json() {
		if d.Unchecked == nil {
			d.Unchecked = []string{}
		}
		if err := p.writeJSON(d); err != nil {
			return err
		}
	} else {
		p.answerText(d)
	}
	if d.Valid {
		return nil
	}
	return errSilent(d.code)
}

func (p *program) answerText(d *verdict) {
	if !d.Valid {
		fmt.Fprintf(p.stdout, "refused    %s: %s\n", d.Reason, d.Detail)
		if hint := verifyHints[d.Reason]; hint != "" {
			fmt.Fprintf(p.stderr, "  try: %s\n", hint)
		}
		return
	}
	fmt.Fprintf(p.stdout, "valid      %s\n", d.line)
	if slices.Contains(d.Unchecked, "issuer") {
		fmt.Fprintln(p.stdout, "unchecked  issuer (add --issuer to say who it must be)")
	}
	if slices.Contains(d.Unchecked, "revocation") {
		fmt.Fprintln(p.stdout, "unchecked  revocation (add --check to ask the issuer)")
	} else {
		fmt.Fprintln(p.stdout, "checked    revocation: its issuer says that it is alive")
	}
}

// verifyHints are what a person does about a reason.
var verifyHints = map[jwt.Reason]string{
	jwt.Malformed:   "the whole token, three parts with dots between them",
	jwt.Header:      "jotkeeper token inspect, and look at typ and alg; --typ accepts other types",
	jwt.BadKey:      "the key set of the issuer that signed it (--issuer); a retired key is gone for good",
	jwt.Signature:   "the token as it was issued: not one byte of it may change",
	jwt.Issuer:      "--issuer as the token names it, if that is who you trust (jotkeeper token inspect)",
	jwt.BadAud:      "--audience as the token names it, if it is meant for you (jotkeeper token inspect)",
	jwt.Expired:     "a fresh token: refresh the session",
	jwt.Early:       "jotkeeper doctor, which compares clocks",
	jwt.Revoked:     "log in again",
	jwt.Unavailable: "the issuer's address in a browser; is it running?",
}
