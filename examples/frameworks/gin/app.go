// Package gin is the program with gin, whose handlers take a context of its own.
package gin

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/jotkeeper/jotkeeper"
)

// App returns the program.
func App(auth *jotkeeper.Auth) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.GET("/", func(c *gin.Context) { c.String(http.StatusOK, "welcome") })
	own := r.Group("/", Guard(auth))
	own.GET("/orders", func(c *gin.Context) { c.String(http.StatusOK, "orders of %s", claims(c).Subject) })
	own.POST("/orders", func(c *gin.Context) { c.String(http.StatusCreated, "ordered by %s", claims(c).Subject) })
	r.POST("/payout/:amount", Guard(auth, jotkeeper.Scope("pay")), func(c *gin.Context) {
		c.String(http.StatusOK, "%s to %s", c.Param("amount"), claims(c).Subject)
	})
	return r
}

func claims(c *gin.Context) *jotkeeper.Claims {
	claims, _ := jotkeeper.FromContext(c.Request.Context())
	return claims
}

// Guard is an Auth as gin's middleware. A handler of net/http is called with
// gin's context behind the request's, finds it there when the request is good,
// and goes on; otherwise the refusal stands and the chain ends.
func Guard(auth *jotkeeper.Auth, options ...jotkeeper.Option) gin.HandlerFunc {
	guarded := auth.Handler(http.HandlerFunc(goOn), options...)
	return func(c *gin.Context) {
		p := &passage{c: c}
		guarded.ServeHTTP(c.Writer, c.Request.WithContext(context.WithValue(c.Request.Context(), passageKey{}, p)))
		if !p.passed {
			c.Abort()
		}
	}
}

type passageKey struct{}

// A passage is one request on its way through the guard.
type passage struct {
	c      *gin.Context
	passed bool
}

func goOn(_ http.ResponseWriter, r *http.Request) {
	p := r.Context().Value(passageKey{}).(*passage)
	p.passed, p.c.Request = true, r
	p.c.Next()
}
