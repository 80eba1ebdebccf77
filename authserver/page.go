package authserver

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"
)

//go:embed page.html
var pageText string

// style is the whole of the page's looks. The page allows it by its hash.
const style = `body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:3rem auto;padding:0 1rem;color:#222;background:#fff}th{text-align:left;padding-right:2rem;font-weight:600}pre{background:#f4f4f4;padding:1rem;white-space:pre-wrap;overflow-wrap:anywhere}@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}pre{background:#242424}a{color:#9cf}}`

// transcript is a session from sign-up to logout; ISSUER is filled in.
const transcript = `ID=ISSUER
curl -s $ID/accounts -d username=ada -d password=moss-kettle-orbit-42 -d transport=body | tee s.json
TOKEN=$(sed 's/.*"id_token":"\([^"]*\).*/\1/' s.json) REFRESH=$(sed 's/.*"refresh_token":"\([^"]*\).*/\1/' s.json)
curl -s $ID/session/refresh -d refresh_token=$REFRESH | tee s.json
REFRESH=$(sed 's/.*"refresh_token":"\([^"]*\).*/\1/' s.json)
curl -s $ID/sessions -H "Authorization: Bearer $REFRESH"
curl -s -X DELETE $ID/session -H "Authorization: Bearer $TOKEN" -w '%{http_code}\n'
`

type address struct{ Name, URL string }

func (cfg Config) addresses() []address {
	base := strings.TrimSuffix(cfg.Issuer, "/")
	return []address{
		{"issuer", cfg.Issuer},
		{"keys", base + "/.well-known/jwks.json"},
		{"discovery", base + "/.well-known/openid-configuration"},
		{"health", base + "/readyz?verbose"},
	}
}

func (cfg Config) transcript() string {
	return strings.ReplaceAll(transcript, "ISSUER", strings.TrimSuffix(cfg.Issuer, "/"))
}

func renderPage(cfg Config) ([]byte, error) {
	t, err := template.New("page").Parse(pageText)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, map[string]any{
		"Issuer": cfg.Issuer, "Style": template.CSS(style), "Addresses": cfg.addresses(), "Session": cfg.transcript(),
	})
	return b.Bytes(), err
}

func stylePolicy() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// home tells who came here by hand what this is: a browser by a page, a
// program by text. The addresses are the issuer's, whatever Host says.
func (s *server) home(c *call) error {
	h := c.w.Header()
	h.Set("Vary", "Accept, Origin")
	if strings.Contains(c.r.Header.Get("Accept"), "text/html") {
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", stylePolicy())
		c.w.WriteHeader(http.StatusOK)
		c.w.Write(s.page)
		return nil
	}
	h.Set("Content-Type", "text/plain; charset=utf-8")
	c.w.WriteHeader(http.StatusOK)
	c.w.Write([]byte(s.cfg.greeting()))
	return nil
}

func (cfg Config) greeting() string {
	var b strings.Builder
	b.WriteString("Jotkeeper is running.\n\n")
	for _, a := range cfg.addresses() {
		b.WriteString(a.Name + strings.Repeat(" ", 11-len(a.Name)) + a.URL + "\n")
	}
	b.WriteString("\nA session, by hand:\n\n" + cfg.transcript())
	return b.String()
}
