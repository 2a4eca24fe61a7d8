{{- /* (list $ "verify"): its Pods, as a NetworkPolicy names them. */ -}}
{{- define "authflow.peer" -}}
- podSelector:
    matchLabels:
      {{- include "authflow.selector" . | nindent 6 }}
{{- end -}}

{{- /* What both workers have to reach. */ -}}
{{- define "authflow.dependencies" -}}
{{- $policy := .Values.networkPolicy -}}
{{- if .Values.bridge.enabled }}
# Redis over HTTP.
- to:
    {{- include "authflow.peer" (list . "bridge") | nindent 4 }}
  ports:
    - { protocol: TCP, port: 8079 }
{{- end }}
# Supabase, and whatever else is outside.
{{- with $policy.supabase }}
{{ toYaml . }}
{{- else }}
- to:
    - ipBlock:
        cidr: 0.0.0.0/0
        except:
          {{- toYaml $policy.notInternet.ipv4 | nindent 10 }}
    - ipBlock:
        cidr: ::/0
        except:
          {{- toYaml $policy.notInternet.ipv6 | nindent 10 }}
  ports:
    - { protocol: TCP, port: 443 }
{{- end }}
{{- with $policy.collector }}
# Where spans go.
{{ toYaml . }}
{{- end }}
{{- end -}}
