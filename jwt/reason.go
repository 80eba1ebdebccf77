package jwt

// A Reason tells why a credential was refused. The list is closed and
// versioned: docs/spec/reasons.md.
type Reason string

// The reasons. The first four are all that is said before a signature holds.
const (
	Malformed Reason = "malformed"
	Header    Reason = "header"
	BadKey    Reason = "key"
	Signature Reason = "signature"

	Missing  Reason = "missing"
	Issuer   Reason = "issuer"
	BadAud   Reason = "audience"
	BadKind  Reason = "kind"
	BadClaim Reason = "claims"
	Early    Reason = "early"
	Expired  Reason = "expired"
	Revoked  Reason = "revoked"
	Idle     Reason = "idle"
	Absolute Reason = "absolute"
	Reused   Reason = "reused"
	Binding  Reason = "binding"
	Stale    Reason = "stale"
	StepUp   Reason = "step_up"

	BadScope  Reason = "scope"
	CSRF      Reason = "csrf"
	BadOrigin Reason = "origin"

	MalformedRequest Reason = "malformed_request"
	Ambiguous        Reason = "ambiguous"
	Unavailable      Reason = "unavailable"
)
