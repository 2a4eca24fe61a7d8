{{- /* Names and labels. What takes a component is called with (list $ "verify"). */ -}}

{{- /* What all names begin with: the release's own, with the chart's unless that is in it. */ -}}
{{- define "authflow.fullname" -}}
{{- $name := .Values.nameOverride | default .Chart.Name -}}
{{- $full := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- .Values.fullnameOverride | default $full | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "authflow.component" -}}
{{- $root := first . -}}
{{- printf "%s-%s" (include "authflow.fullname" $root) (last .) -}}
{{- end -}}

{{- /* What is the same in every Pod of the release, and in no other one. */ -}}
{{- define "authflow.release" -}}
app.kubernetes.io/name: {{ .Values.nameOverride | default .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "authflow.selector" -}}
{{ include "authflow.release" (first .) }}
app.kubernetes.io/component: {{ last . }}
{{- end -}}

{{- define "authflow.labels" -}}
{{- $root := first . -}}
{{ include "authflow.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: authflow
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "authflow.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "authflow.fullname" .) -}}
{{- end -}}

{{- /* (list $ "worker"): the image, by its digest where there is one. */ -}}
{{- define "authflow.image" -}}
{{- $root := first . -}}
{{- $image := index $root.Values.image (last .) -}}
{{- $name := printf "%s/%s" (trimSuffix "/" $root.Values.image.registry) $image.repository -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $name $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name ($image.tag | default $root.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- /* The components that there are, with a space between them. */ -}}
{{- define "authflow.components" -}}
verify auth{{ if .Values.bridge.enabled }} bridge{{ end }}
{{- end -}}
