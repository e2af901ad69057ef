{{/* What a schema cannot say: values that contradict each other. One sentence each, with the field and the remedy. */}}
{{- define "elastic-serving.checks" -}}
{{- $p := .Values.prometheus -}}
{{- if and $p.bearerToken.secret $p.bearerToken.serviceAccount -}}
{{- fail (printf "prometheus.bearerToken: secret %q and serviceAccount true exclude each other; set one" $p.bearerToken.secret) -}}
{{- end -}}
{{- if ne (empty $p.basicAuth.username) (empty $p.basicAuth.secret) -}}
{{- fail (printf "prometheus.basicAuth: username %q and secret %q go together; set both or none" $p.basicAuth.username $p.basicAuth.secret) -}}
{{- end -}}
{{- if and $p.basicAuth.username (or $p.bearerToken.secret $p.bearerToken.serviceAccount) -}}
{{- fail "prometheus: basicAuth and bearerToken both write the Authorization header; set one" -}}
{{- end -}}
{{- if and $p.ca.secret $p.ca.configMap -}}
{{- fail (printf "prometheus.ca: secret %q and configMap %q exclude each other; set one" $p.ca.secret $p.ca.configMap) -}}
{{- end -}}
{{- $e := .Values.servings.engineImage -}}
{{- if not (or $e.tag $e.digest) -}}
{{- fail (printf "servings.engineImage: repository %q needs a tag or a digest; latest would change the engine under running models" $e.repository) -}}
{{- end -}}
{{- $l := .Values.operator.lease -}}
{{- if ge (float64 $l.renewSeconds) (float64 $l.durationSeconds) -}}
{{- fail (printf "operator.lease: renewSeconds %v must be below durationSeconds %v, or two leaders could act at once" $l.renewSeconds $l.durationSeconds) -}}
{{- end -}}
{{- if gt (mulf $l.retrySeconds 2) (float64 $l.renewSeconds) -}}
{{- fail (printf "operator.lease: retrySeconds %v must be at most half of renewSeconds %v, or one lost answer ends the leader" $l.retrySeconds $l.renewSeconds) -}}
{{- end -}}
{{- if and (gt (int .Values.replicas) 1) .Values.operator.record.enabled .Values.operator.record.volume.persistentVolumeClaim -}}
{{- fail (printf "operator.record: %d replicas would share one PersistentVolumeClaim; set replicas 1 to record to it" (int .Values.replicas)) -}}
{{- end -}}
{{- end -}}
