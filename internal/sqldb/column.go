package sqldb

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// micros writes a time as the database keeps it: microseconds since 1970,
// 0 for never.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// fromMicros reads what micros wrote.
func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// A moment scans a column that micros wrote.
type moment struct{ t *time.Time }

func (m moment) Scan(v any) error {
	us, ok := v.(int64)
	if !ok {
		return fmt.Errorf("%w: a time is stored as %T", ErrCorrupt, v)
	}
	*m.t = fromMicros(us)
	return nil
}

// document writes a list or map as JSON text, an empty one as nothing.
func document[T any](v T, n int) (string, error) {
	if n == 0 {
		return "", nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // what goes in comes out
	if err := e.Encode(v); err != nil {
		return "", fmt.Errorf("sqldb: a value that is no JSON: %w", err)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// A parsed reads what document wrote.
type parsed struct{ into any }

func (p parsed) Scan(v any) error {
	text, ok := v.(string)
	if !ok {
		return fmt.Errorf("%w: a document is stored as %T", ErrCorrupt, v)
	}
	if text == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(text), p.into); err != nil {
		return fmt.Errorf("%w: a document does not parse: %w", ErrCorrupt, err)
	}
	return nil
}

// marks returns n placeholders: "?, ?, ?".
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

// assignments returns "a = ?, b = ?" for a list of columns.
func assignments(columns string) string {
	return strings.ReplaceAll(columns, ",", " = ?,") + " = ?"
}
