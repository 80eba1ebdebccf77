package jwt_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"strings"
	"testing"
)

// What we seal opens with the standard library alone, written down from the
// RFCs: that Seal and Open agree would not show that others agree with them.
func TestSealedAsTheRFCsSay(t *testing.T) {
	for _, alg := range sealAlgorithms {
		key := newOpenKey(t, alg)
		for _, enc := range encryptions {
			s := sealFor(key)
			s.Encryption = enc
			if got := openByHand(t, mustSeal(t, "by hand", s), key.Secret()); got != "by hand" {
				t.Errorf("%s %s: %q", alg, enc, got)
			}
		}
	}
}

func openByHand(t *testing.T, sealed string, key any) string {
	t.Helper()
	parts := strings.Split(sealed, ".")
	raw := make([][]byte, len(parts))
	for i, p := range parts {
		raw[i] = must(base64.RawURLEncoding.DecodeString(p))
	}
	var h struct {
		Alg, Enc, Kid string
		Epk           struct{ Crv, X, Y string }
	}
	if err := json.Unmarshal(raw[0], &h); err != nil || h.Kid == "" {
		t.Fatalf("%s: %v", raw[0], err)
	}
	cek := raw[1]
	switch h.Alg {
	case "dir":
		if len(cek) != 0 {
			t.Fatal("dir with an encrypted key")
		}
		cek = key.([]byte)
	case "A256KW":
		cek = unwrapByHand(t, key.([]byte), raw[1])
	case "RSA-OAEP-256":
		cek = must(rsa.DecryptOAEP(sha256.New(), nil, key.(*rsa.PrivateKey), raw[1], nil))
	case "ECDH-ES":
		cek = agreeByHand(key.(*ecdsa.PrivateKey), h.Epk.X, h.Epk.Y, h.Enc)
	case "ECDH-ES+A256KW":
		cek = unwrapByHand(t, agreeByHand(key.(*ecdsa.PrivateKey), h.Epk.X, h.Epk.Y, h.Alg), raw[1])
	}
	if h.Enc == "A256GCM" {
		gcm := must(cipher.NewGCM(must(aes.NewCipher(cek))))
		return string(must(gcm.Open(nil, raw[2], append(raw[3], raw[4]...), []byte(parts[0]))))
	}
	return cbcByHand(t, cek, raw[2], raw[3], raw[4], []byte(parts[0]))
}

// agreeByHand is ECDH and the Concat KDF (RFC 7518 §4.6.2) for 256 bits.
func agreeByHand(key *ecdsa.PrivateKey, x, y, id string) []byte {
	point := bytes.Join([][]byte{{4}, must(base64.RawURLEncoding.DecodeString(x)), must(base64.RawURLEncoding.DecodeString(y))}, nil)
	private := must(key.ECDH())
	z := must(private.ECDH(must(private.Curve().NewPublicKey(point))))
	number := func(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }
	sum := sha256.Sum256(bytes.Join([][]byte{number(1), z, number(len(id)), []byte(id), number(0), number(0), number(256)}, nil))
	return sum[:]
}

// unwrapByHand is AES key unwrap (RFC 3394 §2.2.2).
func unwrapByHand(t *testing.T, key, wrapped []byte) []byte {
	t.Helper()
	block, n := must(aes.NewCipher(key)), len(wrapped)/8-1
	a, r := bytes.Clone(wrapped[:8]), bytes.Clone(wrapped[8:])
	for j := 5; j >= 0; j-- {
		for i := n; i >= 1; i-- {
			in := make([]byte, 16)
			binary.BigEndian.PutUint64(in, binary.BigEndian.Uint64(a)^uint64(n*j+i))
			copy(in[8:], r[8*(i-1):8*i])
			block.Decrypt(in, in)
			copy(a, in[:8])
			copy(r[8*(i-1):], in[8:])
		}
	}
	if !bytes.Equal(a, bytes.Repeat([]byte{0xa6}, 8)) {
		t.Fatal("the wrapped key does not unwrap")
	}
	return r
}

// cbcByHand is AES-CBC with HMAC (RFC 7518 §5.2.2).
func cbcByHand(t *testing.T, cek, iv, content, tag, aad []byte) string {
	t.Helper()
	mac := hmac.New(sha256.New, cek[:16])
	mac.Write(bytes.Join([][]byte{aad, iv, content, binary.BigEndian.AppendUint64(nil, uint64(8*len(aad)))}, nil))
	if !hmac.Equal(mac.Sum(nil)[:16], tag) {
		t.Fatal("the tag does not hold")
	}
	plain := make([]byte, len(content))
	cipher.NewCBCDecrypter(must(aes.NewCipher(cek[16:])), iv).CryptBlocks(plain, content)
	return string(plain[:len(plain)-int(plain[len(plain)-1])])
}

// A sealer by hand: a header of anybody's choosing over content that is
// encrypted as it should be, for a dir key.
func sealByHand(secret []byte, header string, plaintext []byte) string {
	gcm := must(cipher.NewGCM(must(aes.NewCipher(secret))))
	iv := bytes.Repeat([]byte{9}, 12)
	head := b64(header)
	out := gcm.Seal(nil, iv, plaintext, []byte(head))
	n := len(out) - 16
	return strings.Join([]string{head, "", b64(string(iv)), b64(string(out[:n])), b64(string(out[n:]))}, ".")
}

func rawURL(s string) ([]byte, error) { return base64.RawURLEncoding.DecodeString(s) }
