{{- /*
Probes ask for nothing but the Pod itself: a Redis that is away would else take every Pod out of service at once, and with
them all that the database could still serve.
*/ -}}

{{- /* (list $ "verify" "/health"). The gateway answers under its own host alone, and whose address it knows. */ -}}
{{- define "authflow.probe" -}}
{{- $root := first . -}}
httpGet:
  path: {{ last . }}
  port: http
  {{- if eq (index . 1) "verify" }}
  httpHeaders:
    - name: Host
      value: {{ $root.Values.host }}
    - name: {{ include "authflow.clientAddressHeader" $root }}
      value: 127.0.0.1
  {{- end }}
{{- end -}}

{{- define "authflow.probes" -}}
startupProbe:
  {{- include "authflow.probe" (append . "/health") | nindent 2 }}
  periodSeconds: 1
  timeoutSeconds: 2
  failureThreshold: 60
readinessProbe:
  {{- include "authflow.probe" (append . "/health") | nindent 2 }}
  periodSeconds: 5
  timeoutSeconds: 2
  failureThreshold: 2
# Restarting is for what hangs, not for what is busy.
livenessProbe:
  {{- include "authflow.probe" (append . "/health") | nindent 2 }}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- end -}}
