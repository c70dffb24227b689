{{/* The names and labels that everything here shares. */}}

{{- define "dicetower.labels" -}}
app.kubernetes.io/name: dicetower
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end }}

{{- define "dicetower.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* Where a service is. Names of peers are those of their Kubernetes services. */}}
{{- define "dicetower.url" -}}
http://{{ .root.Release.Name }}-{{ .name }}:{{ (index .root.Values.services .name).port }}
{{- end }}
