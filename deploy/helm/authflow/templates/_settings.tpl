{{- /* The workers' settings, by the names that docs/CONFIGURATION.md has for them. */ -}}

{{- /* What the chart itself knows: (list $ "verify"). */ -}}
{{- define "authflow.known" -}}
{{- $root := first . -}}
{{- $known := dict -}}
{{- $_ := set $known "GATEWAY_URL" (printf "https://%s" $root.Values.host) -}}
{{- $_ := set $known "AUTH_URL" (printf "https://%s" $root.Values.host) -}}
{{- if $root.Values.bridge.enabled -}}
{{- $_ := set $known "UPSTASH_REDIS_REST_URL" (printf "http://%s:8079" (include "authflow.component" (list $root "bridge"))) -}}
{{- end -}}
{{- if eq $root.Values.ingress.controller "ingress-nginx" -}}
{{- $_ := set $known "CLIENT_IP_HEADER" "X-Real-IP" -}}
{{- end -}}
{{- if eq (last .) "verify" -}}
{{- $_ := set $known "AUTH_BINDING" "AUTH" -}}
{{- $_ := set $known "PUBLIC_HOSTS" $root.Values.host -}}
{{- $_ := set $known "ROUTES" $root.Values.routes -}}
{{- end -}}
{{- toJson $known -}}
{{- end -}}

{{- /* All of them, as an object of texts: a worker's own over those of both, over what is known; null is not given. */ -}}
{{- define "authflow.settings" -}}
{{- $root := first . -}}
{{- $own := index $root.Values (last .) -}}
{{- $texts := dict -}}
{{- range $settings := list (include "authflow.known" . | fromJson) $root.Values.settings $own.settings -}}
{{- range $name, $value := $settings -}}
{{- if not (kindIs "invalid" $value) -}}
{{- $_ := set $texts $name (include "authflow.text" (list $value)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $texts -}}
{{- end -}}

{{- /* (list VALUE): a text as it is, anything else as JSON, in which a large number stays a number. */ -}}
{{- define "authflow.text" -}}
{{- kindIs "string" (first .) | ternary (first .) (toRawJson (first .)) -}}
{{- end -}}

{{- /* The header that tells a client's address; nothing if it is not known. */ -}}
{{- define "authflow.clientAddressHeader" -}}
{{- get (include "authflow.settings" (list . "verify") | fromJson) "CLIENT_IP_HEADER" -}}
{{- end -}}

{{- /* What the bridge reads, as an object of texts. Each of its secrets is a file. */ -}}
{{- define "authflow.bridgeSettings" -}}
{{- $redis := .Values.redis -}}
{{- $texts := dict -}}
{{- range $name, $value := .Values.bridge.settings -}}
{{- if not (kindIs "invalid" $value) -}}
{{- $_ := set $texts $name (include "authflow.text" (list $value)) -}}
{{- end -}}
{{- end -}}
{{- $_ := set $texts "BRIDGE_TOKEN_FILE" "/run/secrets/authflow/UPSTASH_REDIS_REST_TOKEN" -}}
{{- $secrets := include "authflow.secrets" (list . "bridge") | fromJson -}}
{{- range $name := list "METRICS_TOKEN" "REDIS_PASSWORD" -}}
{{- if hasKey $secrets $name -}}
{{- $_ := set $texts (printf "%s_FILE" $name) (printf "/run/secrets/authflow/%s" $name) -}}
{{- end -}}
{{- end -}}
{{- with $redis.url -}}{{- $_ := set $texts "REDIS_URL" . -}}{{- end -}}
{{- with $redis.username -}}{{- $_ := set $texts "REDIS_USERNAME" . -}}{{- end -}}
{{- with $redis.sentinels -}}{{- $_ := set $texts "REDIS_SENTINELS" (join "," .) -}}{{- end -}}
{{- with $redis.sentinelMaster -}}{{- $_ := set $texts "REDIS_SENTINEL_MASTER" . -}}{{- end -}}
{{- if $redis.ca.configMap -}}{{- $_ := set $texts "REDIS_CA_FILE" "/run/redis-ca/ca.crt" -}}{{- end -}}
{{- toJson $texts -}}
{{- end -}}
