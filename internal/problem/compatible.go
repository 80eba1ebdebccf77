package problem

import (
	"encoding/json"
	"net/http"
)

// trouble is Keratin AuthN's shape for what is no verdict on a field.
type trouble struct {
	Error     string `json:"error"`
	Code      Code   `json:"code"`
	Hint      string `json:"hint,omitempty"`
	RequestID string `json:"request_id"`
}

// WriteCompatible answers a request to a route that Keratin AuthN's clients
// call: the same codes and headers as Write, in a JSON object whose member
// "error" is the sentence. It never has a member "errors", which those clients
// take for a verdict on what was typed.
func WriteCompatible(w http.ResponseWriter, r *http.Request, p Problem) {
	code, m, detail := head(w, "application/json", p)
	w.WriteHeader(m.status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.Encode(trouble{detail, code, m.hint, RequestID(r.Context())})
}
