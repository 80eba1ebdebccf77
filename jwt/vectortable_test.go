package jwt_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jotkeeper/jotkeeper/jwt"
)

func formVectors() []vector {
	split := func(raw string) []string { return strings.Split(raw, ".") }
	return []vector{
		{"with few claims", "what is not marked always may be absent", nil, nil, ""},
		{"8,192 bytes", "the most that a verifier reads", padded(8192), nil, ""},
		{"8,193 bytes and more", "more is refused unread", padded(8196), nil, jwt.Malformed},
		{"empty", "no token", nil, constant(""), jwt.Malformed},
		{"two segments", "a signature is missing with its dot", nil, func(raw string) string { return raw[:strings.LastIndex(raw, ".")] }, jwt.Malformed},
		{"no signature", "the last segment is empty", nil, part(2, constant("")), jwt.Malformed},
		{"no claims", "the middle segment is empty", nil, part(1, constant("")), jwt.Malformed},
		{"no header", "the first segment is empty", nil, part(0, constant("")), jwt.Malformed},
		{"a dot behind", "four segments, the last one empty", nil, func(raw string) string { return raw + "." }, jwt.Malformed},
		{"five segments", "the shape of a sealed token, which is not opened here", nil, func(raw string) string { return raw + ".AAAA.AAAA" }, jwt.Malformed},
		{"8,000 dots", "counting segments must not cost anything", nil, constant(strings.Repeat(".", 8000)), jwt.Malformed},
		{"padding", "base64url is without padding", nil, func(raw string) string { return raw + "==" }, jwt.Malformed},
		{"padding in the header", "base64url is without padding", nil, part(0, func(p string) string { return p + "=" }), jwt.Malformed},
		{"a plus sign", "a character of another base64", nil, part(1, func(p string) string { return p[:8] + "+" + p[9:] }), jwt.Malformed},
		{"a slash", "a character of another base64", nil, part(1, func(p string) string { return p[:8] + "/" + p[9:] }), jwt.Malformed},
		{"a newline within", "many decoders step over it", nil, part(1, func(p string) string { return p[:8] + "\n" + p[8:] }), jwt.Malformed},
		{"a newline behind", "many decoders step over it", nil, func(raw string) string { return raw + "\n" }, jwt.Malformed},
		{"a space before", "the token is all of the text", nil, func(raw string) string { return " " + raw }, jwt.Malformed},
		{"its scheme before", "the scheme is not part of a token", nil, func(raw string) string { return "Bearer " + raw }, jwt.Malformed},
		{"a letter that only looks like one", "a Cyrillic e", nil, func(raw string) string { return "е" + raw[1:] }, jwt.Malformed},
		{"stray bits in the signature", "each segment is the only spelling of its bytes", nil, part(2, strayBit), jwt.Malformed},
		{"stray bits in the claims", "each segment is the only spelling of its bytes", swapClaims(`"ada"`, `"adam"`), part(1, strayBit), jwt.Malformed},
		{"a lone character", "no bytes have this length", nil, part(2, loneCharacter), jwt.Malformed},
		{"flattened JSON", "the compact form alone", nil, func(raw string) string {
			p := split(raw)
			return `{"protected":"` + p[0] + `","payload":"` + p[1] + `","signature":"` + p[2] + `"}`
		}, jwt.Malformed},
		{"twice, with a comma", "one token", nil, func(raw string) string { return raw + "," + raw }, jwt.Malformed},
	}
}

func algVectors() (list []vector) {
	for _, alg := range []string{`"none"`, `"None"`, `"NONE"`, `"nOnE"`, `""`, `null`, `0`, `["ES256"]`, `"none\u0000"`, `"ES256 "`, `"es256"`, `"ES384"`, `"ES256K"`} {
		list = append(list, vector{"alg " + alg, "the key says which algorithm, never the token", swapHeader(`"ES256"`, alg), nil, jwt.Header})
	}
	return append(list,
		vector{"alg HS256", "the key says which algorithm, never the token", swapHeader(`"ES256"`, `"HS256"`), nil, jwt.Header},
		vector{"alg none without a signature", "what is not signed is no token", swapHeader(`"ES256"`, `"none"`), part(2, constant("")), jwt.Malformed},
		vector{"alg none with four characters", "what is not signed is no token", swapHeader(`"ES256"`, `"none"`), part(2, constant("AAAA")), jwt.Header},
		vector{"alg missing", "three members, all of them", swapHeader(`"alg":"ES256",`, ``), nil, jwt.Header},
		vector{"alg twice, none first", "no member twice", swapHeader(`{"alg"`, `{"alg":"none","alg"`), nil, jwt.Header},
		vector{"alg twice, none last", "no member twice", swapHeader(`"at+jwt"}`, `"at+jwt","alg":"none"}`), nil, jwt.Header})
}

func headerVectors(t testing.TB, keys specKeys) []vector {
	id, attacker := keys.es.ID(), string(publicJWK(t, keys.stranger))
	kid := func(text string) func(*forge) { return swapHeader(`"`+id+`"`, text) }
	list := []vector{
		{"typ JWT", "another kind of token", swapHeader(`"at+jwt"`, `"JWT"`), nil, jwt.Header},
		{"typ session+jwt", "another kind of token", swapHeader(`"at+jwt"`, `"session+jwt"`), nil, jwt.Header},
		{"typ AT+JWT", "not the spelling of the profile", swapHeader(`"at+jwt"`, `"AT+JWT"`), nil, jwt.Header},
		{"typ application/at+jwt", "not the spelling of the profile", swapHeader(`"at+jwt"`, `"application/at+jwt"`), nil, jwt.Header},
		{"typ missing", "three members, all of them", swapHeader(`,"typ":"at+jwt"`, ``), nil, jwt.Header},
		{"typ twice", "no member twice", swapHeader(`"at+jwt"}`, `"at+jwt","typ":"at+jwt"}`), nil, jwt.Header},
		{"members in another order", "one key and one kind have one header", constantHeader(fmt.Sprintf(`{"typ":"at+jwt","alg":"ES256","kid":"%s"}`, id)), nil, jwt.Header},
		{"white space in the header", "one key and one kind have one header", swapHeader(`{"alg":`, `{ "alg":`), nil, jwt.Header},
		{"a header in an array", "not a header", constantHeader(`[]`), nil, jwt.Header},
		{"a header of nested arrays", "a bomb for whoever parses it before the signature holds", member(`"x":` + strings.Repeat("[", 1500) + strings.Repeat("]", 1500)), nil, jwt.Header},
		{"kid missing", "three members, all of them", swapHeader(`"kid":"`+id+`",`, ``), nil, jwt.Header},
		{"kid unknown", "a key that the issuer does not publish", kid(`"` + keys.stranger.ID() + `"`), nil, jwt.BadKey},
		{"kid unknown, signed by it", "a key that the issuer does not publish", func(f *forge) { kid(`"` + keys.stranger.ID() + `"`)(f); f.sign = signFixed(t, keys.stranger) }, nil, jwt.BadKey},
		{"kid a path", "a key ID is not a file", kid(`"../../dev/null"`), nil, jwt.BadKey},
		{"kid a query", "a key ID is not a query", kid(`"' OR 1=1 --"`), nil, jwt.BadKey},
		{"kid in another case", "key IDs are compared byte by byte", kid(`"` + strings.ToUpper(id) + `"`), nil, jwt.BadKey},
		{"kid empty", "no key has this ID", kid(`""`), nil, jwt.Header},
		{"kid a number", "a key ID is a string", kid(`7`), nil, jwt.Header},
		{"kid null", "a key ID is a string", kid(`null`), nil, jwt.Header},
		{"kid in an array", "a key ID is a string", kid(`["` + id + `"]`), nil, jwt.Header},
		{"kid with a newline", "no key has this ID", kid(`"a\nb"`), nil, jwt.Header},
		{"kid of 1,200 characters", "longer than a key ID may be", kid(`"` + strings.Repeat("k", 1200) + `"`), nil, jwt.Header},
		{"kid __proto__", "no key has this ID, whatever a language thinks of it", kid(`"__proto__"`), nil, jwt.BadKey},
		{"kid of another key of ours", "the RSA key has another algorithm", kid(`"` + keys.rs.ID() + `"`), nil, jwt.Header},
		{"jwk beside our key", "a token brings no key", member(`"jwk":` + attacker), nil, jwt.Header},
		{"jwk, signed by it", "a token brings no key", func(f *forge) { member(`"jwk":` + attacker)(f); f.sign = signFixed(t, keys.stranger) }, nil, jwt.Header},
	}
	for _, m := range []string{
		`"jku":"https://evil.example/keys"`, `"x5u":"https://evil.example/chain.pem"`, `"x5c":[]`, `"crit":["x"],"x":1`, `"crit":[]`, `"crit":["alg"]`,
		`"crit":null`, `"b64":false,"crit":["b64"]`, `"b64":true`, `"zip":"DEF"`, `"enc":"A128GCM"`, `"cty":"JWT"`, `"note":"harmless"`,
	} {
		list = append(list, vector{"header with " + m, "exactly three members", member(m), nil, jwt.Header})
	}
	return list
}

func constantHeader(text string) func(*forge) { return func(f *forge) { f.header = text } }

func signatureVectors(t testing.TB, keys specKeys) []vector {
	zero, n := make([]byte, 32), []byte(curveOrder())
	return []vector{
		{"with the twin of its signature, (r, n-s)", "as valid as the other: never tell a token by its text", resigned(twin), nil, ""},
		{"signed by a stranger", "another key under our kid", func(f *forge) { f.sign = signFixed(t, keys.stranger) }, nil, jwt.Signature},
		{"other claims", "the signature is of other claims", nil, part(1, func(p string) string { return b64(strings.Replace(unb64(p), "ada", "eve", 1)) }), jwt.Signature},
		{"signature in DER", "r and s in fixed width", resigned(derOf), nil, jwt.Signature},
		{"signature of zeros", "r and s are at least 1", resigned(zeros), nil, jwt.Signature},
		{"r zero", "r is at least 1", resigned(func(s []byte) []byte { return slices.Concat(zero, s[32:]) }), nil, jwt.Signature},
		{"s zero", "s is at least 1", resigned(func(s []byte) []byte { return slices.Concat(s[:32], zero) }), nil, jwt.Signature},
		{"r and s the order", "below the order of the curve", resigned(func([]byte) []byte { return slices.Concat(n, n) }), nil, jwt.Signature},
		{"a byte short", "a signature has 64 bytes", resigned(func(s []byte) []byte { return s[:63] }), nil, jwt.Signature},
		{"a byte long", "a signature has 64 bytes", resigned(func(s []byte) []byte { return append(s, 0) }), nil, jwt.Signature},
		{"one bit", "the last bit of s", resigned(func(s []byte) []byte { s[63] ^= 1; return s }), nil, jwt.Signature},
	}
}

func payloadVectors() []vector {
	whole := func(text string) func(*forge) { return func(f *forge) { f.claims = text } }
	wrap := func(before, after string) func(*forge) {
		return func(f *forge) { f.claims = before + f.claims + after }
	}
	const object = "the claims are one JSON object"
	list := []vector{
		{"claims: in an array", object, wrap("[", "]"), nil, jwt.BadClaim},
		{"claims: a byte order mark", object, wrap("\xef\xbb\xbf", ""), nil, jwt.BadClaim},
		{"claims: a letter behind", "nothing stands behind the object", wrap("", "x"), nil, jwt.BadClaim},
		{"claims: an object behind", "nothing stands behind the object", wrap("", "{}"), nil, jwt.BadClaim},
		{"claims: a NUL behind", "nothing stands behind the object", wrap("", "\x00"), nil, jwt.BadClaim},
		{"claims: UTF-16", "valid UTF-8", func(f *forge) { f.claims = "\x00" + strings.Join(strings.Split(f.claims, ""), "\x00") }, nil, jwt.BadClaim},
		{"claims: a byte that is not UTF-8", "valid UTF-8", swapClaims(`"ada"`, "\"ad\xff\""), nil, jwt.BadClaim},
		{"claims: overlong UTF-8", "valid UTF-8", swapClaims(`"ada"`, "\"ad\xc1\xa1\""), nil, jwt.BadClaim},
		{"claims: half a surrogate", "not a character", swapClaims(`"ada"`, `"ad\ud800"`), nil, jwt.BadClaim},
		{"claims: a comment", "JSON has none", swapClaims(`{"iss"`, `{/**/"iss"`), nil, jwt.BadClaim},
		{"claims: a trailing comma", "JSON has none", swapClaims(`write"}`, `write",}`), nil, jwt.BadClaim},
		{"claims: NaN", "JSON has none", swapClaims(`write"}`, `write","x":NaN}`), nil, jwt.BadClaim},
		{"claims: single quotes", "JSON has none", swapClaims(`"ada"`, `'ada'`), nil, jwt.BadClaim},
		{"claims: a bare newline in a string", "control characters are escaped", swapClaims(`"read write"`, "\"read\nwrite\""), nil, jwt.BadClaim},
		{"claims: 2,000 arrays that nobody closes", "not JSON, and no reason to fall over", swapClaims(`"scope":`, `"x":`+strings.Repeat("[", 2000)+`,"scope":`), nil, jwt.BadClaim},
		{"claims: a number beyond all bounds", "1e400 is no time", swapClaims(`"exp":`, `"exp":1e400,"x":`), nil, jwt.BadClaim},
		{"sub twice, the first another", "no name twice", swapClaims(`{"iss"`, `{"sub":"eve","iss"`), nil, jwt.BadClaim},
		{"sub twice, the last another", "no name twice", swapClaims(`write"}`, `write","sub":"eve"}`), nil, jwt.BadClaim},
		{"sub twice, once escaped", "no name twice, however spelled", swapClaims(`write"}`, `write","s\u0075b":"eve"}`), nil, jwt.BadClaim},
		{"exp twice", "no name twice", swapClaims(`write"}`, `write","exp":9999999999}`), nil, jwt.BadClaim},
		{"a claim of the application twice", "no name twice, known or not", swapClaims(`write"}`, `write","plan":"free","plan":"pro"}`), nil, jwt.BadClaim},
	}
	for _, text := range []string{`[]`, `null`, `"ada"`, `7`, `{`, `{}{}`} {
		list = append(list, vector{"claims: " + text, object, whole(text), nil, jwt.BadClaim})
	}
	return list
}

func claimVectors() []vector {
	const text = "1 to 255 bytes without control characters or outer white space"
	list := []vector{
		{"sub escaped", "the same text in another spelling of JSON", swapClaims(`"ada"`, `"\u0061d\u0061"`), nil, ""},
		{"a claim of the application", "other names are the application's own", swapClaims(`write"}`, `write","plan":["pro",1.5e3,null,{"iss":1}]}`), nil, ""},
		{"sub of 255 bytes", text, swapClaims(`"ada"`, `"`+strings.Repeat("a", 255)+`"`), nil, ""},
		{"SUB for sub", "names are compared with their case", swapClaims(`"sub"`, `"SUB"`), nil, jwt.BadClaim},
		{"sub absent", "always there", swapClaims(`"sub":"ada",`, ``), nil, jwt.BadClaim},
		{"jti absent", "always there", swapClaims(`"jti":"j-1",`, ``), nil, jwt.BadClaim},
		{"jti empty", text, swapClaims(`"j-1"`, `""`), nil, jwt.BadClaim},
		{"jti a number", "a string", swapClaims(`"j-1"`, `1`), nil, jwt.BadClaim},
		{"sid of a space", text, swapClaims(`"s-1"`, `" "`), nil, jwt.BadClaim},
		{"sid a number", "a string", swapClaims(`"s-1"`, `1`), nil, jwt.BadClaim},
		{"scope an array", "a string", swapClaims(`"read write"`, `["read","write"]`), nil, jwt.BadClaim},
		{"scope a number", "a string", swapClaims(`"read write"`, `7`), nil, jwt.BadClaim},
		{"tid a number", "a string", swapClaims(`write"}`, `write","tid":7}`), nil, jwt.BadClaim},
		{"rev a number", "a string", swapClaims(`write"}`, `write","rev":7}`), nil, jwt.BadClaim},
		{"rev that is no cursor", "not refused: it counts as 0:0 when rules are asked", swapClaims(`write"}`, `write","rev":"yesterday"}`), nil, ""},
	}
	for _, sub := range []string{`""`, `1`, `true`, `null`, `["ada"]`, `{}`, `"ada "`, `" ada"`, `"ada\u0000"`, `"a\nda"`, `"ada\u007f"`} {
		list = append(list, vector{"sub " + sub, text, swapClaims(`"ada"`, sub), nil, jwt.BadClaim})
	}
	const absent = "a claim that says nothing is left out"
	for _, claim := range []string{"auth_time", "amr", "acr", "tid", "gen", "rev", "cnf"} {
		list = append(list, vector{claim + " null", absent, swapClaims(`"jti"`, `"`+claim+`":null,"jti"`), nil, jwt.BadClaim})
	}
	list = append(list,
		vector{"sid null", absent, swapClaims(`"s-1"`, `null`), nil, jwt.BadClaim},
		vector{"scope null", absent, swapClaims(`"read write"`, `null`), nil, jwt.BadClaim},
		vector{"amr of null", "an array of strings", swapClaims(`write"}`, `write","amr":["pwd",null]}`), nil, jwt.BadClaim},
		vector{"cnf a string", "an object", swapClaims(`write"}`, `write","cnf":"s-1"}`), nil, jwt.BadClaim},
		vector{"a claim of the application null", "the application knows what it means", swapClaims(`write"}`, `write","plan":null}`), nil, ""})
	list = append(list, vector{"sub of 256 bytes", text, swapClaims(`"ada"`, `"`+strings.Repeat("a", 256)+`"`), nil, jwt.BadClaim})
	for _, iss := range []string{`"https://id.example.com/"`, `"https://ID.example.com"`, `"http://id.example.com"`, `"https://id.example.com:443"`, `"https://іd.example.com"`, `"https://id.example.com "`, `"https://id.example.com\u0000"`, `"https://other.example.com"`} {
		list = append(list, vector{"iss " + iss, "compared byte for byte", swapClaims(`"https://id.example.com"`, iss), nil, jwt.Issuer})
	}
	return append(list,
		vector{"iss absent", "nobody's token", swapClaims(`"iss":"https://id.example.com",`, ``), nil, jwt.Issuer},
		vector{"iss in an array", "a string", swapClaims(`"https://id.example.com"`, `["https://id.example.com"]`), nil, jwt.BadClaim},
		vector{"iss a number", "a string", swapClaims(`"https://id.example.com"`, `7`), nil, jwt.BadClaim})
}

func timeVectors() []vector {
	exp := int64(access().Expires)
	life := exp - noon.Unix()
	to := func(text string) func(*forge) { return swapClaims(fmt.Sprintf(`"exp":%d`, exp), `"exp":`+text) }
	list := []vector{
		{"exp in a second", "good up to the last", to(fmt.Sprint(exp - life + 1)), nil, ""},
		{"exp at this very second", "no leeway", to(fmt.Sprint(exp - life)), nil, jwt.Expired},
		{"exp a second ago", "no leeway", to(fmt.Sprint(exp - life - 1)), nil, jwt.Expired},
		{"exp in 1970", "long ago", to("1"), nil, jwt.Expired},
		{"exp in the last second of 9999", "the last that there is", to("253402300799"), nil, ""},
		{"exp absent", "always there", swapClaims(fmt.Sprintf(`"exp":%d,`, exp), ``), nil, jwt.BadClaim},
	}
	for _, s := range []string{`"%d"`, `%d.5`, `%d.0`, `%de0`, `-%d`, `0`, `-0`, `9223372036854775808`, `253402300800`, `1e400`, `null`, `true`, `[%d]`, `{}`, `0%d`, `+%d`} {
		if strings.Contains(s, "%d") {
			s = fmt.Sprintf(s, exp)
		}
		list = append(list, vector{"exp " + s, "an integer of seconds, from 1 to 253402300799", to(s), nil, jwt.BadClaim})
	}
	for _, claim := range []string{"nbf", "iat"} {
		now := fmt.Sprintf(`"%s":%d`, claim, noon.Unix())
		list = append(list,
			vector{claim + " in 60 seconds", "within the 60 seconds for clocks that differ", at(claim, 60), nil, ""},
			vector{claim + " in 61 seconds", "more than 60 seconds ahead", at(claim, 61), nil, jwt.Early},
			vector{claim + " next year", "more than 60 seconds ahead", at(claim, 365*24*3600), nil, jwt.Early},
			vector{claim + " a string", "an integer of seconds", swapClaims(now, `"`+claim+`":"1"`), nil, jwt.BadClaim},
			vector{claim + " null", "an integer of seconds", swapClaims(now, `"`+claim+`":null`), nil, jwt.BadClaim},
			vector{claim + " 2^63-1", "beyond the year 9999", swapClaims(now, `"`+claim+`":9223372036854775807`), nil, jwt.BadClaim})
	}
	return append(list,
		vector{"nbf absent", "only from serve, always", swapClaims(fmt.Sprintf(`"nbf":%d,`, noon.Unix()), ``), nil, ""},
		vector{"iat absent", "always there", swapClaims(fmt.Sprintf(`"iat":%d,`, noon.Unix()), ``), nil, jwt.BadClaim})
}

func audienceVectors() (list []vector) {
	to := func(text string) func(*forge) { return swapClaims(`"https://api.example.com"`, text) }
	for _, aud := range []string{`["https://api.example.com"]`, `["https://other.example.com","https://api.example.com"]`} {
		list = append(list, vector{"aud " + aud, "it is enough that ours is among them", to(aud), nil, ""})
	}
	for _, aud := range []string{
		`"https://other.example.com"`, `["https://a.example.com","https://b.example.com"]`, `"https://api.example.com/"`, `"https://api.example.co"`, `"https://api.example.com.evil"`,
		`"HTTPS://API.EXAMPLE.COM"`, `"http://api.example.com"`, `" https://api.example.com"`, `"*"`,
	} {
		list = append(list, vector{"aud " + aud, "a token for another service", to(aud), nil, jwt.BadAud})
	}
	for _, aud := range []string{`[]`, `7`, `null`, `""`, `{}`, `true`, `["https://api.example.com",7]`, `["https://api.example.com",null]`, `["https://api.example.com",""]`, `[["https://api.example.com"]]`} {
		list = append(list, vector{"aud " + aud, "a string, or an array of strings, none empty", to(aud), nil, jwt.BadClaim})
	}
	return append(list, vector{"aud absent", "always there", swapClaims(`"aud":"https://api.example.com",`, ``), nil, jwt.BadClaim})
}

func unb64(p string) string {
	text, err := base64.RawURLEncoding.DecodeString(p)
	if err != nil {
		panic("fixture: " + err.Error())
	}
	return string(text)
}
