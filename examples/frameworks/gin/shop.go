package gin

import (
	"fmt"
	"io"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
)

// Shop returns a program that keeps its sessions itself. news is what its stream
// tells.
func Shop(k *keeper.Keeper, news <-chan string) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.POST("/login", login(k, keeper.ByCookie))
	r.POST("/api/login", login(k, keeper.ByHeader))
	r.POST("/logout", logout(k))
	own := r.Group("/", Sessions(k, keeper.LoginPage("/login")))
	own.GET("/home", say(http.StatusOK, "home of "))
	own.GET("/api/orders", say(http.StatusOK, "orders of "))
	own.POST("/api/orders", say(http.StatusCreated, "ordered by "))
	own.GET("/prices", prices)
	own.GET("/news", tell(news))
	own.GET("/panic", func(*gin.Context) { panic("the application") })
	return r
}

// Sessions is a Keeper as gin's middleware.
func Sessions(k *keeper.Keeper, options ...keeper.Option) gin.HandlerFunc {
	return Wrap(func(next http.Handler) http.Handler { return k.Handler(next, options...) })
}

func login(k *keeper.Keeper, how keeper.Way) gin.HandlerFunc {
	return func(c *gin.Context) {
		token, err := k.Create(c.Request.Context(), keeper.Claims{Subject: "ada"}) // after the password was checked
		if err == nil {
			err = k.Write(c.Writer, c.Request, token, how)
		}
		if err != nil {
			c.String(status(err), "refused")
			return
		}
		c.Redirect(http.StatusSeeOther, keeper.ReturnTo(c.Request))
	}
}

func logout(k *keeper.Keeper) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := k.Clear(c.Writer, c.Request); err != nil {
			c.String(status(err), "refused")
			return
		}
		c.Redirect(http.StatusSeeOther, "/login")
	}
}

// status tells what is another site's doing from what is trouble here.
func status(err error) int {
	if jwt.ReasonOf(err) == jwt.CSRF {
		return http.StatusForbidden
	}
	return http.StatusServiceUnavailable
}

func say(code int, what string) gin.HandlerFunc {
	return func(c *gin.Context) {
		token, _ := keeper.FromContext(c.Request.Context())
		c.String(code, what+token.Subject())
	}
}

func prices(c *gin.Context) {
	c.Status(http.StatusOK)
	c.Header("Cache-Control", "public, max-age=600")
	c.String(http.StatusOK, "tea 3")
}

func tell(news <-chan string) gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Header("Content-Type", "text/event-stream")
		c.Stream(func(w io.Writer) bool {
			one, more := <-news
			if more {
				fmt.Fprintf(w, "data: %s\n\n", one)
			}
			return more
		})
	}
}
