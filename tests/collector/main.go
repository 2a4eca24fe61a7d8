// A collector of spans for tests. It reads OTLP/HTTP with the OpenTelemetry Collector's own decoder, refuses what breaks
// the protocol's rules, keeps the rest in memory, and tells what it has.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"mime"
	"net"
	"net/http"
	"os"
	"sync"

	"go.opentelemetry.io/collector/pdata/ptrace"
)

// As the Collector's receiver has it by default.
const maxBody = 20 << 20

// request is one that a worker made, as GET /requests tells it.
type request struct {
	Path          string `json:"path"`
	ContentType   string `json:"content_type"`
	Authorization string `json:"authorization"`
	Status        int    `json:"status"`
	Spans         int    `json:"spans"`
	Error         string `json:"error"`
}

// failure is what the next `Count` right requests are answered by.
type failure struct {
	Status int `json:"status"`
	Count  int `json:"count"`
}

type collector struct {
	mutex    sync.Mutex
	spans    []span
	requests []request
	failure  failure
}

func main() {
	port := flag.Int("port", 0, "where to listen on 127.0.0.1; 0 for a free one")
	withStdin := flag.Bool("stop-with-stdin", false, "end when stdin does")
	flag.Parse()
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		log.Fatal(err)
	}
	if *withStdin {
		go func() {
			io.Copy(io.Discard, os.Stdin)
			os.Exit(0)
		}()
	}
	fmt.Printf("listening http://%s\n", listener.Addr())
	c := &collector{}
	c.clear()
	log.Fatal(http.Serve(listener, c))
}

// ServeHTTP needs no mux, which would redirect //v1/traces, where a worker that joins its URL wrongly would send.
func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method + " " + r.URL.Path {
	case "GET /spans":
		c.tell(w, func() any { return c.spans })
	case "GET /requests":
		c.tell(w, func() any { return c.requests })
	case "DELETE /spans":
		c.clear()
		w.WriteHeader(http.StatusNoContent)
	case "POST /fail":
		c.fail(w, r)
	default:
		c.receive(w, r)
	}
}

func (c *collector) tell(w http.ResponseWriter, what func() any) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	answer(w, http.StatusOK, what())
}

// clear forgets everything, a failure that is still to come, too.
func (c *collector) clear() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.spans, c.requests, c.failure = []span{}, []request{}, failure{}
}

func (c *collector) fail(w http.ResponseWriter, r *http.Request) {
	var f failure
	err := json.NewDecoder(r.Body).Decode(&f)
	if err != nil || f.Status < 400 || f.Status > 599 || f.Count < 0 {
		refuse(w, http.StatusBadRequest, errors.New("a status of 400 to 599 and a count are needed"))
		return
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.failure = f
	w.WriteHeader(http.StatusNoContent)
}

func (c *collector) receive(w http.ResponseWriter, r *http.Request) {
	contentType := r.Header.Get("Content-Type")
	spans, status, err := read(w, r, contentType)
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if err == nil && c.failure.Count > 0 {
		c.failure.Count--
		status, err = c.failure.Status, fmt.Errorf("told to answer %d", c.failure.Status)
	}
	record := request{r.URL.Path, contentType, r.Header.Get("Authorization"), status, len(spans), ""}
	if err != nil {
		record.Error = err.Error()
	}
	c.requests = append(c.requests, record)
	if err != nil {
		refuse(w, status, err)
		return
	}
	c.spans = append(c.spans, spans...)
	if isProtobuf(contentType) {
		w.Header().Set("Content-Type", "application/x-protobuf")
		return
	}
	answer(w, status, map[string]any{"partialSuccess": map[string]any{}})
}

// read gives the spans of a request, or why it has none and with which status.
func read(w http.ResponseWriter, r *http.Request, contentType string) ([]span, int, error) {
	if r.URL.Path != "/v1/traces" {
		return nil, http.StatusNotFound, errors.New("traces go to /v1/traces")
	}
	if r.Method != http.MethodPost {
		return nil, http.StatusMethodNotAllowed, errors.New("traces come by POST")
	}
	if !isJSON(contentType) && !isProtobuf(contentType) {
		return nil, http.StatusUnsupportedMediaType, fmt.Errorf("%q is neither JSON nor protobuf", contentType)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, http.StatusBadRequest, err
	}
	traces, err := decode(body, isProtobuf(contentType))
	if err != nil {
		return nil, http.StatusBadRequest, err
	}
	spans, err := spansOf(traces)
	if err != nil {
		return nil, http.StatusBadRequest, err
	}
	return spans, http.StatusOK, nil
}

// decode is by ptrace, not ptraceotlp: the same generated code, but only ptrace can refuse unknown fields, and it does
// without gRPC.
func decode(body []byte, protobuf bool) (ptrace.Traces, error) {
	if protobuf {
		return (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(body)
	}
	if err := checkForm(body); err != nil {
		return ptrace.Traces{}, err
	}
	return (&ptrace.JSONUnmarshaler{DisallowUnknownFields: true}).UnmarshalTraces(body)
}

func isJSON(contentType string) bool     { return mediaType(contentType) == "application/json" }
func isProtobuf(contentType string) bool { return mediaType(contentType) == "application/x-protobuf" }

func mediaType(contentType string) string {
	name, _, _ := mime.ParseMediaType(contentType)
	return name
}

// refuse answers in the shape of the protocol's Status.
func refuse(w http.ResponseWriter, status int, err error) {
	answer(w, status, map[string]any{"message": err.Error()})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}
