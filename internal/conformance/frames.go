package conformance

import "cmp"

// A framed is a frame of the feed, and where a follower stands once it was told.
type framed struct {
	Name, Hex, Before, After string
	Token                    Claims
	Verdict, Scope, Cursor   string
}

// frameCases leave out the frame that cannot be asked about: a greeting goes with
// the nonce of whoever asks.
func frameCases() (list []testCase, err error) {
	var book struct {
		Issuer, Boot, After string
		Now                 int64
		Frames              []framed
	}
	err = load("revocation-frames.json", &book)
	for _, f := range book.Frames {
		if f.Cursor == "" {
			continue
		}
		f.After, f.Token.Issuer = cmp.Or(f.After, book.After), book.Issuer
		r := Request{Kind: "frames", Issuer: book.Issuer, Now: book.Now, Cursor: f.After, Boot: book.Boot, Frames: f.Before + f.Hex, Claims: &f.Token}
		list = append(list, question("frames", f.Name, "a frame is taken whole, or the stream is closed", r, f.judge))
	}
	return list, err
}

func (f *framed) judge(a *Answer) *Failure {
	want := &Answer{Verdict: f.Verdict, Scope: f.Scope, Cursor: f.Cursor}
	told := &Failure{Want: want.String(), Got: a.String()}
	switch {
	case a.Cursor == f.Cursor:
		e := expectation{Verdict: f.Verdict, Scope: f.Scope}
		return e.verdict(a, told)
	case a.Cursor == "":
		told.Class, told.Try = Another, "the member cursor: where the follower stands"
	case f.Cursor == f.After || f.Before != "":
		told.Class, told.Try = Accepted, "docs/spec/revocation-feed.md, Frames: what a reader refuses, and what it must not skip"
	default:
		told.Class, told.Try = Refused, "docs/spec/revocation-feed.md, Frames: how a frame is written"
	}
	return told
}
