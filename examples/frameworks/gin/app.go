// Package gin is the program with gin, whose handlers take a context of its own.
package gin

import (
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

// Guard is an Auth as gin's middleware.
func Guard(auth *jotkeeper.Auth, options ...jotkeeper.Option) gin.HandlerFunc {
	return Wrap(func(next http.Handler) http.Handler { return auth.Handler(next, options...) })
}
