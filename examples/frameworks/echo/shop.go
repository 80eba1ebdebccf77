package echo

import (
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
)

// Shop returns a program that keeps its sessions itself. news is what its stream
// tells.
func Shop(k *keeper.Keeper, news <-chan string) http.Handler {
	e := echo.New()
	e.POST("/login", login(k, keeper.ByCookie))
	e.POST("/api/login", login(k, keeper.ByHeader))
	e.POST("/logout", logout(k))
	own := e.Group("", Sessions(k, keeper.LoginPage("/login")))
	own.GET("/home", say(http.StatusOK, "home of "))
	own.GET("/api/orders", say(http.StatusOK, "orders of "))
	own.POST("/api/orders", say(http.StatusCreated, "ordered by "))
	own.GET("/prices", prices)
	own.GET("/news", tell(news))
	own.GET("/panic", func(echo.Context) error { panic("the application") })
	return e
}

// Sessions is a Keeper as echo's middleware.
func Sessions(k *keeper.Keeper, options ...keeper.Option) echo.MiddlewareFunc {
	return echo.WrapMiddleware(func(next http.Handler) http.Handler { return k.Handler(next, options...) })
}

func login(k *keeper.Keeper, how keeper.Way) echo.HandlerFunc {
	return func(c echo.Context) error {
		token, err := k.Create(c.Request().Context(), keeper.Claims{Subject: "ada"}) // after the password was checked
		if err == nil {
			err = k.Write(c.Response(), c.Request(), token, how)
		}
		if err != nil {
			return echo.NewHTTPError(status(err), "refused")
		}
		return c.Redirect(http.StatusSeeOther, keeper.ReturnTo(c.Request()))
	}
}

func logout(k *keeper.Keeper) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := k.Clear(c.Response(), c.Request()); err != nil {
			return echo.NewHTTPError(status(err), "refused")
		}
		return c.Redirect(http.StatusSeeOther, "/login")
	}
}

// status tells what is another site's doing from what is trouble here.
func status(err error) int {
	if jwt.ReasonOf(err) == jwt.CSRF {
		return http.StatusForbidden
	}
	return http.StatusServiceUnavailable
}

func say(code int, what string) echo.HandlerFunc {
	return func(c echo.Context) error {
		token, _ := keeper.FromContext(c.Request().Context())
		return c.String(code, what+token.Subject())
	}
}

func prices(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "public, max-age=600")
	return c.String(http.StatusOK, "tea 3")
}

func tell(news <-chan string) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Response().Header().Set("Content-Type", "text/event-stream")
		for one := range news {
			if _, err := fmt.Fprintf(c.Response(), "data: %s\n\n", one); err != nil {
				return err
			}
			c.Response().Flush()
		}
		return nil
	}
}
