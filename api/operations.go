package api

// A Configuration is the discovery document: where the keys of an issuer are
// and what its tokens say.
type Configuration struct {
	Issuer        string   `json:"issuer"`
	JWKSURI       string   `json:"jwks_uri"`
	ResponseTypes []string `json:"response_types_supported"`
	SubjectTypes  []string `json:"subject_types_supported"`
	Algorithms    []string `json:"id_token_signing_alg_values_supported"`
	Claims        []string `json:"claims_supported"`

	Introspection     string   `json:"introspection_endpoint"` // RFC 8414 §2, as the rest
	IntrospectionAuth []string `json:"introspection_endpoint_auth_methods_supported"`
	Revocation        string   `json:"revocation_endpoint"`
	RevocationAuth    []string `json:"revocation_endpoint_auth_methods_supported"`
}

// Health is Keratin's answer at /health, without an envelope.
type Health struct {
	HTTP     bool `json:"http"`
	Database bool `json:"db"`
}

// Ready answers /healthz and /readyz. Checks is there when asked for.
type Ready struct {
	Status string            `json:"status"`           // ok, ready or unready
	Checks map[string]string `json:"checks,omitempty"` // name → ok or failing
}

// Version answers /version.
type Version struct {
	Version string `json:"version"`
}
