{{/* The operator's settings (operator/elastic_serving/settings.py), one environment variable each. An empty value is
     left out: the setting's own default holds. tests/chart checks that each name is a setting. */}}

{{- define "elastic-serving.authDirectory" -}}/etc/elastic-serving/prometheus{{- end -}}
{{- define "elastic-serving.recordDirectory" -}}/var/lib/elastic-serving/record{{- end -}}

{{- define "elastic-serving.settings" -}}
{{- $p := .Values.prometheus -}}
{{- $o := .Values.operator -}}
{{- $auth := include "elastic-serving.authDirectory" . -}}
{{- $settings := dict
  "PROMETHEUS_URL" $p.url
  "PROMETHEUS_TIMEOUT_SECONDS" $p.timeoutSeconds
  "PROMETHEUS_CONCURRENCY" $p.concurrency
  "PROMETHEUS_TENANT" $p.tenant
  "PROMETHEUS_USERNAME" $p.basicAuth.username
  "WATCH_NAMESPACES" (join "," .Values.watchNamespaces)
  "TICK_SECONDS" $o.tickSeconds
  "STALE_SECONDS" $o.staleSeconds
  "RECONCILE_SECONDS" $o.reconcileSeconds
  "REQUEST_TIMEOUT_SECONDS" $o.requestTimeoutSeconds
  "STATUS_INTERVAL_SECONDS" $o.statusIntervalSeconds
  "LIVE_SECONDS" $o.liveSeconds
  "HTTP_PORT" "8080"
  "LEASE_NAME" (include "elastic-serving.fullname" .)
  "LEASE_NAMESPACE" .Release.Namespace
  "LEASE_DURATION_SECONDS" $o.lease.durationSeconds
  "LEASE_RENEW_SECONDS" $o.lease.renewSeconds
  "LEASE_RETRY_SECONDS" $o.lease.retrySeconds
  "LOG_FORMAT" $o.log.format
  "LOG_LEVEL" $o.log.level
  "ENGINE_IMAGE" (include "elastic-serving.image" (dict "image" .Values.servings.engineImage "tag" .Values.servings.engineImage.tag))
  "NETWORK_POLICY" (toString .Values.servings.networkPolicy.enabled)
  "NETWORK_POLICY_NAMESPACES" (join "," .Values.servings.networkPolicy.namespaces)
  "ENGINE_IMAGE_PULL_SECRETS" (join "," .Values.servings.engineImage.pullSecrets)
-}}
{{- with $p.headers }}{{ $_ := set $settings "PROMETHEUS_HEADERS" (toJson .) }}{{ end -}}
{{- if $p.bearerToken.secret }}{{ $_ := set $settings "PROMETHEUS_BEARER_TOKEN_FILE" (printf "%s/token" $auth) }}{{ end -}}
{{- if $p.bearerToken.serviceAccount }}{{ $_ := set $settings "PROMETHEUS_BEARER_TOKEN_FILE" "/var/run/secrets/kubernetes.io/serviceaccount/token" }}{{ end -}}
{{- if $p.basicAuth.secret }}{{ $_ := set $settings "PROMETHEUS_PASSWORD_FILE" (printf "%s/password" $auth) }}{{ end -}}
{{- if $p.clientCertificate.secret -}}
{{- $_ := set $settings "PROMETHEUS_CERT_FILE" (printf "%s/client.crt" $auth) -}}
{{- $_ := set $settings "PROMETHEUS_KEY_FILE" (printf "%s/client.key" $auth) -}}
{{- end -}}
{{- if or $p.ca.secret $p.ca.configMap }}{{ $_ := set $settings "PROMETHEUS_CA_FILE" (printf "%s/ca.crt" $auth) }}{{ end -}}
{{- if $o.record.enabled -}}
{{- $_ := set $settings "RECORD_DIRECTORY" (include "elastic-serving.recordDirectory" .) -}}
{{- $_ := set $settings "RECORD_MAX_BYTES" (int64 $o.record.maxBytes) -}}
{{- $_ := set $settings "RECORD_FILES" $o.record.files -}}
{{- end -}}
{{- range $name := keys $settings | sortAlpha }}
{{- $value := get $settings $name | toString }}
{{- if $value }}
- name: ELASTIC_SERVING_{{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}
- name: ELASTIC_SERVING_POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
{{- end -}}

{{/* Projected sources of the Prometheus credentials; empty where none is set. */}}
{{- define "elastic-serving.authSources" -}}
{{- with .Values.prometheus -}}
{{- with .bearerToken }}{{ if .secret }}
- secret: {name: {{ .secret | quote }}, items: [{key: {{ .key | quote }}, path: token}]}
{{- end }}{{ end }}
{{- with .basicAuth }}{{ if .secret }}
- secret: {name: {{ .secret | quote }}, items: [{key: {{ .key | quote }}, path: password}]}
{{- end }}{{ end }}
{{- with .clientCertificate }}{{ if .secret }}
- secret: {name: {{ .secret | quote }}, items: [{key: {{ .certKey | quote }}, path: client.crt}, {key: {{ .privateKeyKey | quote }}, path: client.key}]}
{{- end }}{{ end }}
{{- with .ca }}{{ if .secret }}
- secret: {name: {{ .secret | quote }}, items: [{key: {{ .key | quote }}, path: ca.crt}]}
{{- end }}{{ if .configMap }}
- configMap: {name: {{ .configMap | quote }}, items: [{key: {{ .key | quote }}, path: ca.crt}]}
{{- end }}{{ end }}
{{- end -}}
{{- end -}}
