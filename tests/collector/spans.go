package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// span is one as GET /spans tells it. Times are strings: JavaScript's numbers cannot hold them.
type span struct {
	TraceID       string         `json:"trace_id"`
	SpanID        string         `json:"span_id"`
	ParentSpanID  string         `json:"parent_span_id"`
	Name          string         `json:"name"`
	Kind          string         `json:"kind"`
	StartNS       string         `json:"start_ns"`
	EndNS         string         `json:"end_ns"`
	Service       string         `json:"service"`
	Status        string         `json:"status"`
	StatusMessage string         `json:"status_message"`
	Attributes    map[string]any `json:"attributes"`
	Resource      map[string]any `json:"resource"`
}

// spansOf gives all spans, or the rule that the first wrong one breaks.
func spansOf(traces ptrace.Traces) ([]span, error) {
	var all []span
	for _, ofResource := range traces.ResourceSpans().All() {
		resource, err := attributes(ofResource.Resource().Attributes())
		if err != nil {
			return nil, fmt.Errorf("resource: %w", err)
		}
		service, _ := resource["service.name"].(string)
		for _, ofScope := range ofResource.ScopeSpans().All() {
			for _, s := range ofScope.Spans().All() {
				if err := checkSpan(s); err != nil {
					return nil, fmt.Errorf("span %q: %w", s.Name(), err)
				}
				own, err := attributes(s.Attributes())
				if err != nil {
					return nil, fmt.Errorf("span %q: %w", s.Name(), err)
				}
				all = append(all, span{
					s.TraceID().String(), s.SpanID().String(), s.ParentSpanID().String(), s.Name(),
					strings.ToLower(s.Kind().String()), decimal(s.StartTimestamp()), decimal(s.EndTimestamp()), service,
					strings.ToLower(s.Status().Code().String()), s.Status().Message(), own, resource,
				})
			}
		}
	}
	return all, nil
}

// checkSpan holds a span to the rules of OTLP and W3C that the decoder does not know. That an id is of 16 or 8 bytes, or
// missing, it does know.
func checkSpan(s ptrace.Span) error {
	switch {
	case s.TraceID().IsEmpty():
		return errors.New("the trace id is missing or zero")
	case s.SpanID().IsEmpty():
		return errors.New("the span id is missing or zero")
	case s.Name() == "":
		return errors.New("no name")
	case s.StartTimestamp() == 0:
		return errors.New("no start")
	case s.EndTimestamp() < s.StartTimestamp():
		return errors.New("the end is missing or before the start")
	case s.Kind().String() == "":
		return fmt.Errorf("there is no kind %d", s.Kind())
	case s.Status().Code().String() == "":
		return fmt.Errorf("there is no status %d", s.Status().Code())
	}
	return nil
}

func attributes(of pcommon.Map) (map[string]any, error) {
	raw := of.AsRaw()
	if _, found := raw[""]; found {
		return nil, errors.New("an attribute without a key")
	}
	if len(raw) != of.Len() {
		return nil, errors.New("an attribute twice")
	}
	return raw, nil
}

func decimal(t pcommon.Timestamp) string { return strconv.FormatUint(uint64(t), 10) }
