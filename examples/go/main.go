// An application behind the gateway: who asks, and what only some may do.
// Settings: PORT; GATEWAY_URL, the issuer; ORIGIN_URL, this application as the gateway's route names it, the audience.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"authflow.example/go/authflow"
)

func me(w http.ResponseWriter, r *http.Request) {
	user, _ := authflow.Of(r)
	answer(w, user)
}

func admin(w http.ResponseWriter, r *http.Request) {
	user, _ := authflow.Of(r)
	answer(w, map[string]string{"secret": "only admins read this, " + user.Email + " among them"})
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(value); err != nil {
		log.Print(err)
	}
}

func main() {
	verifier, err := authflow.New(os.Getenv("GATEWAY_URL"), os.Getenv("ORIGIN_URL"))
	if err != nil {
		log.Fatal("GATEWAY_URL, ORIGIN_URL: ", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/me", me)
	mux.Handle("/api/admin", authflow.RequireRole(http.HandlerFunc(admin), "admin"))
	mux.HandleFunc("/", me)

	// Around the whole of it, so that no path can be forgotten.
	server := http.Server{
		Addr:              "127.0.0.1:" + os.Getenv("PORT"),
		Handler:           verifier.Require(mux),
		ReadHeaderTimeout: 10 * time.Second,
	}
	fmt.Println("listening on", server.Addr)
	log.Fatal(server.ListenAndServe())
}
