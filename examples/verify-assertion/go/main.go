// An origin that believes the gateway's assertion, and nothing else, about who asks.
// Settings: PORT; GATEWAY_URL, the issuer; ORIGIN_URL, this origin as the gateway's route names it, the audience.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/MicahParks/keyfunc/v2"
	"github.com/golang-jwt/jwt/v5"
)

func main() {
	gateway, origin, address := os.Getenv("GATEWAY_URL"), os.Getenv("ORIGIN_URL"), "127.0.0.1:"+os.Getenv("PORT")
	// The keys are fetched every ten minutes, and for an unknown one, but never twice within five seconds.
	keys, err := keyfunc.Get(gateway+"/.well-known/authflow/jwks.json", keyfunc.Options{
		RefreshInterval: 10 * time.Minute, RefreshTimeout: 5 * time.Second, TolerateInitialJWKHTTPError: true,
		RefreshUnknownKID: true, RefreshRateLimit: 5 * time.Second,
		RefreshErrorHandler: func(err error) { log.Print(err) },
	})
	// The parser would leave out the check for a setting that is empty.
	if err != nil || gateway == "" || origin == "" {
		log.Fatalf("GATEWAY_URL=%q, ORIGIN_URL=%q: %v", gateway, origin, err)
	}
	// The leeway is the seconds between two clocks.
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"ES256"}), jwt.WithIssuer(gateway), jwt.WithAudience(origin),
		jwt.WithExpirationRequired(), jwt.WithLeeway(5*time.Second))
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		claims := jwt.MapClaims{}
		_, err := parser.ParseWithClaims(r.Header.Get("X-AuthFlow-Assertion"), claims, keys.Keyfunc)
		if err != nil {
			http.Error(w, "no valid assertion: "+err.Error(), http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]any{"user": claims["sub"], "email": claims["email"], "role": claims["role"]})
	})
	fmt.Println("listening on", address)
	log.Fatal(http.ListenAndServe(address, nil))
}
