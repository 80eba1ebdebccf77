// Package secret holds bytes that never print.
//
// A [Key] is key material. Every way Go has of turning a value into text
// (fmt, log/slog, encoding/json) shows a Key as "[secret]", so a key that
// strays into a log line or an error message does no harm. The bytes leave
// only through [Key.Bytes].
//
// A [Ring] is the list of master keys of one server. The first key that may
// sign protects what is made now; all of them open what was made before. Keys
// for single purposes are derived from a master key with HKDF-SHA256
// (RFC 5869), so no two purposes ever share a key.
//
// It refuses key material below 32 bytes, and to print or encode any. It reads no
// file and keeps no copy of what it derived.
package secret
