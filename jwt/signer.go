package jwt

import (
	"fmt"
	"maps"
	"time"
)

// A KeyFunc returns the key to sign with at now: a keyring's active one.
type KeyFunc func(now time.Time) (*PrivateKey, error)

// A Signer signs tokens of the kinds it was made for, and no others: what mails
// a link cannot open a session. It may be used by many goroutines.
type Signer struct {
	key    KeyFunc
	recall func(now time.Time, kid string) (*PrivateKey, error) // nil: only the key in force
	typ    map[Kind]string
	large  func(Size)
}

// NewSigner returns a Signer of these kinds.
func NewSigner(key KeyFunc, kinds ...Kind) *Signer {
	s := &Signer{key: key, typ: make(map[Kind]string), large: func(Size) {}}
	for _, k := range kinds {
		s.typ[k] = string(k)
	}
	return s
}

// As returns a Signer with the same authority whose tokens of kind carry
// another typ, for verifiers that know no other than "JWT". It does not add the
// kind where s lacks it.
func (s *Signer) As(kind Kind, typ string) *Signer {
	as := *s
	as.typ = maps.Clone(s.typ)
	if _, ok := as.typ[kind]; ok {
		as.typ[kind] = typ
	}
	return &as
}

// Recalling returns a Signer with the same authority that can repeat what
// earlier keys have signed. find returns the key with an ID, or why it may not
// sign any more.
func (s *Signer) Recalling(find func(now time.Time, kid string) (*PrivateKey, error)) *Signer {
	recalling := *s
	recalling.recall = find
	return &recalling
}

// WhenLarge returns a Signer with the same authority that tells report of each
// token whose claims are above 1,024 bytes: they are paid for on every request.
func (s *Signer) WhenLarge(report func(Size)) *Signer {
	watched := *s
	watched.large = report
	return &watched
}

// Sign signs c with the key in force at now. All algorithms but PS256 are
// deterministic: the same claims and key give the same token.
//
// It returns ErrKind for a kind it was not made for or a typ that is none, ErrClaims for claims that
// no Verifier would accept or a private claim with a reserved name, ErrTooLarge
// for a token above 4,000 bytes, and what the KeyFunc returns.
func (s *Signer) Sign(now time.Time, c Claims) (string, error) {
	if err := s.authority(c.Kind()); err != nil {
		return "", err
	}
	payload, err := encodeClaims(c)
	if err != nil {
		return "", err
	}
	key, err := s.key(now)
	if err != nil {
		return "", err
	}
	return s.sign(key, c.Kind(), payload)
}

// Key returns the public half of the key that Sign would use at now.
func (s *Signer) Key(now time.Time) (*PublicKey, error) {
	key, err := s.key(now)
	if err != nil {
		return nil, err
	}
	return key.public, nil
}

// Signs tells whether s was made for tokens of kind.
func (s *Signer) Signs(kind Kind) bool { return s.authority(kind) == nil }

// SignAgain signs c with the key whose ID is kid: the text that Sign gave when
// that key was in force, byte for byte. Beside the errors of Sign it returns
// ErrKey for a key that cannot sign any more and for PS256, which never gives
// the same text twice.
func (s *Signer) SignAgain(now time.Time, kid string, c Claims) (string, error) {
	if err := s.authority(c.Kind()); err != nil {
		return "", err
	}
	payload, err := encodeClaims(c)
	if err != nil {
		return "", err
	}
	key, err := s.keyOf(now, kid)
	if err != nil {
		return "", err
	}
	if key.Algorithm() == PS256 {
		return "", badKey("PS256 never gives the same text twice; use ES256")
	}
	return s.sign(key, c.Kind(), payload)
}

// keyOf returns the key with an ID, if it may sign.
func (s *Signer) keyOf(now time.Time, kid string) (*PrivateKey, error) {
	if key, err := s.key(now); err == nil && key.ID() == kid {
		return key, nil
	}
	if s.recall == nil {
		return nil, badKey("%s does not sign any more", kid)
	}
	key, err := s.recall(now, kid)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", badKey("%s does not sign any more", kid), err)
	}
	return key, nil
}

// authority refuses kinds that s was not made for.
func (s *Signer) authority(kind Kind) error {
	if typ, ok := s.typ[kind]; !ok || !plainID(typ) {
		return fmt.Errorf("%w: %q as %q", ErrKind, kind, typ)
	}
	return nil
}

// sign makes the token of a payload.
func (s *Signer) sign(key *PrivateKey, kind Kind, payload []byte) (string, error) {
	if key.public.Withdrawn() {
		return "", badKey("%s was withdrawn", key.ID())
	}
	input := headerSegment(key.Algorithm(), key.ID(), s.typ[kind]) + "." + base64url.EncodeToString(payload)
	sig, err := key.sign([]byte(input))
	if err != nil {
		return "", fmt.Errorf("jwt: signing with %s: %w", key.ID(), err)
	}
	raw := input + "." + base64url.EncodeToString(sig)
	if err := s.weigh(kind, payload, raw); err != nil {
		return "", err
	}
	return raw, nil
}

// weigh keeps the size budget.
func (s *Signer) weigh(kind Kind, payload []byte, raw string) error {
	if len(raw) <= maxSigned && len(payload) <= largeClaims {
		return nil
	}
	size := Size{Kind: kind, Token: len(raw), Claims: len(payload), Largest: weighClaims(payload)}
	if len(raw) > maxSigned {
		return fmt.Errorf("%w: %s", ErrTooLarge, size)
	}
	s.large(size)
	return nil
}
