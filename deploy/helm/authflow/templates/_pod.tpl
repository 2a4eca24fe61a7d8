{{- /* What the Pods of all components have in common. Each is called with (list $ "verify"). */ -}}

{{- /* How many there are, and how they take turns: a new one is ready before an old one goes. */ -}}
{{- define "authflow.rollout" -}}
{{- $root := first . -}}
{{- $own := index $root.Values (last .) -}}
{{- if not $own.autoscaling.enabled }}
replicas: {{ $own.replicas }}
{{- end }}
revisionHistoryLimit: 5
minReadySeconds: 5
strategy:
  type: RollingUpdate
  rollingUpdate:
    maxUnavailable: 0
    maxSurge: 25%
selector:
  matchLabels:
    {{- include "authflow.selector" . | nindent 4 }}
{{- end -}}

{{- define "authflow.podLabels" -}}
{{- $own := index (first .).Values (last .) -}}
{{ include "authflow.labels" . }}
{{- with $own.podLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "authflow.podSpec" -}}
{{- $root := first . -}}
{{- $own := index $root.Values (last .) -}}
serviceAccountName: {{ include "authflow.serviceAccountName" $root }}
# Nothing here asks the API server for anything.
automountServiceAccountToken: false
# Nor is a Service told by environment variables, which could be taken for settings.
enableServiceLinks: false
{{- with $root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
terminationGracePeriodSeconds: {{ $own.terminationGracePeriodSeconds }}
securityContext:
  {{- include "authflow.podSecurityContext" $root | nindent 2 }}
{{- with $root.Values.spread }}
topologySpreadConstraints:
  {{- range $key, $whenUnsatisfiable := . }}
  - topologyKey: {{ $key }}
    maxSkew: 1
    whenUnsatisfiable: {{ $whenUnsatisfiable }}
    labelSelector:
      matchLabels:
        {{- include "authflow.selector" $ | nindent 8 }}
    # Those of the last release are going.
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- end }}
{{- with $own.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "authflow.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
# So that it can read its files, and nobody else.
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "authflow.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- /* It goes on serving until everybody knows that it goes. */ -}}
{{- define "authflow.lifecycle" -}}
preStop:
  sleep:
    seconds: {{ (first .).Values.shutdownDelaySeconds }}
{{- end -}}
