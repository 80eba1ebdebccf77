package api

// A Result is the envelope of every success that carries something.
type Result[T any] struct {
	Result T `json:"result"`
}

// Refused is the envelope of input that was understood and not accepted, every
// field's error at once.
type Refused struct {
	Errors []FieldError `json:"errors"`
}

// A FieldError names one field with one message of a closed set, such as
// MISSING, TAKEN or FAILED.
type FieldError struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// Trouble is how a compatible route says anything else that went wrong. It
// never has a member "errors": published clients take that as a verdict on
// what the person typed.
type Trouble struct {
	Error     string `json:"error"` // a sentence for people
	Code      string `json:"code"`  // for programs
	Hint      string `json:"hint,omitempty"`
	RequestID string `json:"request_id,omitempty"`
}
