// Package echo is the program with echo, which wraps middleware of net/http.
package echo

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/jotkeeper/jotkeeper"
)

// App returns the program.
func App(auth *jotkeeper.Auth) http.Handler {
	e := echo.New()
	e.GET("/", func(c echo.Context) error { return c.String(http.StatusOK, "welcome") })
	own := e.Group("", Guard(auth))
	own.GET("/orders", func(c echo.Context) error { return c.String(http.StatusOK, "orders of "+claims(c).Subject) })
	own.POST("/orders", func(c echo.Context) error { return c.String(http.StatusCreated, "ordered by "+claims(c).Subject) })
	e.POST("/payout/:amount", func(c echo.Context) error {
		return c.String(http.StatusOK, c.Param("amount")+" to "+claims(c).Subject)
	}, Guard(auth, jotkeeper.Scope("pay")))
	return e
}

func claims(c echo.Context) *jotkeeper.Claims {
	claims, _ := jotkeeper.FromContext(c.Request().Context())
	return claims
}

// Guard is an Auth as echo's middleware.
func Guard(auth *jotkeeper.Auth, options ...jotkeeper.Option) echo.MiddlewareFunc {
	return echo.WrapMiddleware(func(next http.Handler) http.Handler { return auth.Handler(next, options...) })
}
