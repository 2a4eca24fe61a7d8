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
{{- $given := merge (dict
  "REDIS_USERNAME" $redis.username
  "REDIS_CA_FILE" (ternary "/run/redis-ca/ca.crt" "" (ne $redis.ca.configMap ""))
  "REDIS_CERT_FILE" (ternary "/run/redis-certificate/tls.crt" "" (ne $redis.certificate.secret ""))
  "REDIS_KEY_FILE" (ternary "/run/redis-certificate/tls.key" "" (ne $redis.certificate.secret ""))
) .Values.bridge.settings -}}
{{- if $redis.sentinel.addresses -}}
{{- $given = merge (dict
  "REDIS_SENTINELS" (join "," $redis.sentinel.addresses)
  "REDIS_SENTINEL_MASTER" $redis.sentinel.master
  "REDIS_SENTINEL_USERNAME" $redis.sentinel.username
  "REDIS_SENTINEL_TLS" (ternary "1" "" $redis.sentinel.tls)
  "REDIS_SENTINEL_DATABASE" $redis.sentinel.database
) $given -}}
{{- else -}}
{{- $_ := set $given "REDIS_URL" $redis.url -}}
{{- end -}}
{{- range $name, $_ := include "authflow.secrets" (list . "bridge") | fromJson -}}
{{- $_ := set $given (printf "%s_FILE" $name) (printf "/run/secrets/authflow/%s" $name) -}}
{{- end -}}
{{- $texts := dict -}}
{{- range $name, $value := $given -}}
{{- if not (has (toString $value) (list "" "<nil>")) -}}
{{- $_ := set $texts $name (include "authflow.text" (list $value)) -}}
{{- end -}}
{{- end -}}
{{- toJson $texts -}}
{{- end -}}
