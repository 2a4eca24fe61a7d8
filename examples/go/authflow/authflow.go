// Package authflow tells a handler who asks, by the gateway's assertion and nothing else.
package authflow

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"strings"
	"time"

	"github.com/MicahParks/keyfunc/v2"
	"github.com/golang-jwt/jwt/v5"
)

// User is the person whom the gateway let through.
type User struct {
	ID    string `json:"user"`
	Email string `json:"email"`
	Role  string `json:"role"`
	AAL   string `json:"-"`
}

// Verifier verifies assertions of one gateway for one application.
type Verifier struct {
	keys   *keyfunc.JWKS
	parser *jwt.Parser
}

type claims struct {
	jwt.RegisteredClaims
	Email string `json:"email"`
	Role  string `json:"role"`
	AAL   string `json:"aal"`
}

// New makes one. gateway is the issuer, the gateway's origin; origin is the audience, this application's origin as the
// gateway's route names it.
func New(gateway, origin string) (*Verifier, error) {
	// The parser would leave out the check for a setting that is empty.
	if gateway == "" || origin == "" {
		return nil, fmt.Errorf("the gateway (%q) and the origin (%q) must both be known", gateway, origin)
	}
	// The keys are fetched every ten minutes, and for an unknown one, but never twice within five seconds.
	keys, err := keyfunc.Get(gateway+"/.well-known/authflow/jwks.json", keyfunc.Options{
		RefreshInterval: 10 * time.Minute, RefreshTimeout: 5 * time.Second, TolerateInitialJWKHTTPError: true,
		RefreshUnknownKID: true, RefreshRateLimit: 5 * time.Second,
		RefreshErrorHandler: func(err error) { log.Print(err) },
	})
	if err != nil {
		return nil, err
	}
	// The leeway is the seconds between two clocks.
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"ES256"}), jwt.WithIssuer(gateway), jwt.WithAudience(origin),
		jwt.WithExpirationRequired(), jwt.WithLeeway(5*time.Second))
	return &Verifier{keys, parser}, nil
}

// Verify gives the person for whom assertion was made.
func (v *Verifier) Verify(assertion string) (User, error) {
	var c claims
	if _, err := v.parser.ParseWithClaims(assertion, &c, v.keys.Keyfunc); err != nil {
		return User{}, err
	}
	if c.Subject == "" {
		return User{}, errors.New("it names nobody")
	}
	return User{c.Subject, c.Email, c.Role, c.AAL}, nil
}

type key struct{}

// Require lets nobody past whom the gateway did not let through, and tells next who it is.
func (v *Verifier) Require(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, err := v.Verify(r.Header.Get("X-AuthFlow-Assertion"))
		if err != nil {
			http.Error(w, "no valid assertion: "+err.Error(), http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key{}, user)))
	})
}

// Of gives the person who asks; below Require there always is one.
func Of(r *http.Request) (User, bool) {
	user, ok := r.Context().Value(key{}).(User)
	return user, ok
}

// RequireRole lets past whoever has one of the roles. It belongs below Require: without that it lets nobody past.
func RequireRole(next http.Handler, roles ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, ok := Of(r)
		for _, role := range roles {
			if ok && user.Role == role {
				next.ServeHTTP(w, r)
				return
			}
		}
		http.Error(w, "this needs the role "+strings.Join(roles, " or "), http.StatusForbidden)
	})
}
