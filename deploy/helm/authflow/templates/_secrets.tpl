{{- /* Which secret goes to whom. A Secret is only ever named here, never made and never read. */ -}}

{{- define "authflow.secretsOf.verify" -}}
ASSERTION_KEYS FINGERPRINT_SECRET METRICS_TOKEN OTLP_HEADERS SESSION_SECRET SUPABASE_SERVICE_ROLE_KEY UPSTASH_REDIS_REST_TOKEN
{{- end -}}
{{- define "authflow.secretsOf.auth" -}}
FERNET_KEYS FINGERPRINT_SECRET METRICS_TOKEN NEW_DEVICE_HOOK_SECRET OTLP_HEADERS SESSION_SECRET SUPABASE_ANON_KEY
{{- " SUPABASE_SERVICE_ROLE_KEY UPSTASH_REDIS_REST_TOKEN" -}}
{{- end -}}
{{- define "authflow.secretsOf.bridge" -}}
BRIDGE_TOKEN METRICS_TOKEN REDIS_PASSWORD REDIS_SENTINEL_PASSWORD
{{- end -}}

{{- /* (list $ "verify"): those it gets, as {NAME: {name, key}}. */ -}}
{{- define "authflow.secrets" -}}
{{- $root := first . -}}
{{- $own := index $root.Values (last .) -}}
{{- $given := mergeOverwrite (deepCopy $root.Values.secrets) (deepCopy ($own.secrets | default dict)) -}}
{{- /* What the workers send is what the bridge takes. */ -}}
{{- if not (kindIs "map" $given.BRIDGE_TOKEN) -}}
{{- $token := $given.UPSTASH_REDIS_REST_TOKEN | default dict -}}
{{- $_ := set $given "BRIDGE_TOKEN" (merge (dict "key" ($token.key | default "UPSTASH_REDIS_REST_TOKEN")) $token) -}}
{{- end -}}
{{- $references := dict -}}
{{- range $variable := splitList " " (include (printf "authflow.secretsOf.%s" (last .)) $root) -}}
{{- $reference := get $given $variable -}}
{{- if kindIs "map" $reference -}}
{{- $name := $reference.name | default $root.Values.existingSecret -}}
{{- $_ := set $references $variable (dict "name" $name "key" ($reference.key | default $variable)) -}}
{{- end -}}
{{- end -}}
{{- toJson $references -}}
{{- end -}}

{{- /* (list $ "verify"): its environment. */ -}}
{{- define "authflow.secretEnvironment" -}}
{{- range $variable, $reference := include "authflow.secrets" . | fromJson }}
- name: {{ $variable }}
  valueFrom:
    secretKeyRef:
      name: {{ $reference.name }}
      key: {{ $reference.key }}
{{- end }}
{{- end -}}
