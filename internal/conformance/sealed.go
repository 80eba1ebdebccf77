package conformance

import "encoding/json"

// A seal is to be opened as bytes, or refused for a reason.
type seal struct{ Name, Key, Plaintext, Beside, Reason, Sealed string }

func sealedCases() (list []testCase, err error) {
	var book struct {
		Keys  []json.RawMessage
		Seals []seal
	}
	err = load("sealed.json", &book)
	keys := map[string]json.RawMessage{}
	for _, jwk := range book.Keys {
		var id struct{ KID string }
		_ = json.Unmarshal(jwk, &id)
		keys[id.KID] = jwk
	}
	for _, s := range book.Seals {
		r := Request{Kind: "open", Key: keys[s.Key], Sealed: s.Sealed}
		list = append(list, question("sealed", s.Name, "a seal is opened by the one key that it was made for, or says nothing", r, s.judge))
	}
	return list, err
}

func (s *seal) judge(a *Answer) *Failure {
	if f := accepts(s.Reason)(a); f != nil {
		f.Try = "docs/spec/token-profile.md, Sealed"
		return f
	}
	opened := Answer{Accept: a.Accept, Reason: s.Reason, Plaintext: s.Plaintext, Beside: s.Beside}
	told := &Failure{Class: Another, Want: opened.String(), Got: a.String()}
	switch {
	case (s.Reason == "signature") != (a.Reason == "signature"):
		told.Try = "one answer, signature, to whatever fails once something was computed, and to nothing else: others are an oracle"
	case a.Plaintext != s.Plaintext || a.Beside != s.Beside:
		told.Try = "the members plaintext and beside, as texts"
	default:
		return nil
	}
	return told
}
