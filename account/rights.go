package account

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

const maxRights = 1024 // bytes, of the scope and of the claims each

// reserved are the claims that no account can have of its own: what the issuer,
// the login or the session says, or what a verifier may give a meaning to.
var reserved = []string{
	"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid",
	"auth_time", "amr", "acr", "azp", "nonce", "at_hash", "c_hash", "s_hash",
	"scope", "client_id", "tid", "gen", "rev", "ver", "sxp", "prv", "cnf", "csrf", "act", "may_act", "typ", "kid", "alg",
}

// Rights say what enters an account's tokens. What is nil stays as it is.
type Rights struct {
	Scope  *string                    // words separated by spaces (RFC 6749 §3.3)
	Claims map[string]json.RawMessage // all private claims; empty: none
}

// SetRights changes what enters the account's next tokens and raises the rights
// version. It returns the account as it was and as it is, equal if nothing
// changed; [TakesAway] tells what that means for the tokens that are out.
// *FieldErrors if the scope or the claims cannot be.
func (a *Accounts) SetRights(ctx context.Context, id int64, r Rights) (from, to Row, err error) {
	scope, badScope := r.scope()
	claims, badClaims := normalClaims(r.Claims)
	if err := join(badScope, badClaims); err != nil {
		return Row{}, Row{}, err
	}
	return a.alter(ctx, id, func(row *Row) bool {
		before := *row
		if r.Scope != nil {
			row.Scope = scope
		}
		if r.Claims != nil {
			row.Claims = claims
		}
		changed := row.Scope != before.Scope || !maps.EqualFunc(row.Claims, before.Claims, sameJSON)
		if changed {
			row.Rights++
		}
		return changed
	})
}

// TakesAway tells whether a change leaves a token that is out with more than
// the account may have now: a word of the scope is gone, or a claim is gone or
// says something else. Such a change revokes; one that only adds rotates.
func TakesAway(from, to Row) bool {
	now := strings.Fields(to.Scope)
	for _, word := range strings.Fields(from.Scope) {
		if !slices.Contains(now, word) {
			return true
		}
	}
	for name, value := range from.Claims {
		if is, ok := to.Claims[name]; !ok || !sameJSON(value, is) {
			return true
		}
	}
	return false
}

// scope returns the words in their order, each once, with one space between.
func (r Rights) scope() (string, *FieldErrors) {
	if r.Scope == nil {
		return "", nil
	}
	var words []string
	for _, word := range strings.Fields(*r.Scope) {
		if strings.ContainsFunc(word, func(c rune) bool { return c <= ' ' || c > '~' || c == '"' || c == '\\' }) {
			return "", refuse("scope", formatInvalid, `has characters other than printable ASCII without " and \`)
		}
		if !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	scope := strings.Join(words, " ")
	if len(scope) > maxRights {
		return "", refuse("scope", formatInvalid, fmt.Sprintf("is longer than %d bytes", maxRights))
	}
	return scope, nil
}

// normalClaims returns the claims in one spelling: no space, members sorted.
func normalClaims(claims map[string]json.RawMessage) (map[string]json.RawMessage, *FieldErrors) {
	normal, size := map[string]json.RawMessage{}, 0
	for _, name := range slices.Sorted(maps.Keys(claims)) {
		if name == "" || !utf8.ValidString(name) || isReserved(name) {
			return nil, refuse("claims", formatInvalid, fmt.Sprintf("%q is reserved, empty or not UTF-8", name))
		}
		value, err := normalJSON(claims[name])
		if err != nil {
			return nil, refuse("claims", formatInvalid, fmt.Sprintf("%q is not JSON that a token can carry: %v", name, err))
		}
		normal[name] = value
		size += len(name) + len(value) + len(`"":,`)
	}
	if size > maxRights {
		return nil, refuse("claims", formatInvalid, fmt.Sprintf("are %d bytes, longer than %d", size, maxRights))
	}
	return normal, nil
}

// isReserved compares as lenient readers of JSON do, to whom SUB, and even ſub,
// is sub.
func isReserved(name string) bool {
	return slices.ContainsFunc(reserved, func(r string) bool { return strings.EqualFold(r, name) })
}

func normalJSON(value []byte) ([]byte, error) {
	if len(value) > 8*maxRights || !utf8.Valid(value) {
		return nil, fmt.Errorf("too long, or not UTF-8")
	}
	if err := noTwins(value); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(value))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

// noTwins refuses what a strict reader refuses and this standard library does
// not: two members of one name, and anything after the value (RFC 8259 §4).
func noTwins(value []byte) error {
	d := json.NewDecoder(bytes.NewReader(value))
	if err := walk(d); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("something follows the value")
	}
	return nil
}

func walk(d *json.Decoder) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	delim, nested := token.(json.Delim)
	if !nested {
		return nil
	}
	seen := map[json.Token]bool{}
	for d.More() {
		if delim == '{' {
			name, err := d.Token()
			if err != nil {
				return err
			}
			if seen[name] {
				return fmt.Errorf("two members are called %q", name)
			}
			seen[name] = true
		}
		if err := walk(d); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

func sameJSON(a, b json.RawMessage) bool {
	x, errX := normalJSON(a)
	y, errY := normalJSON(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
