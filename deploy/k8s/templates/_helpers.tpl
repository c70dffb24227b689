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

{{/* What no chart of ours publishes unless it is told to by name. */}}
{{- define "dicetower.check" -}}
{{- $auth := .Values.auth }}
{{- $published := or .Values.ingress.enabled (ne .Values.line.type "ClusterIP") }}
{{- if and $published (eq $auth.mode "none") (not $auth.publishOpen) }}
{{- fail "auth.mode is none, so that nobody is asked who he is: set it to token or oidc before the ingress or the line is published, or say auth.publishOpen=true" }}
{{- end }}
{{- if and (eq $auth.mode "oidc") (not (and $auth.oidc.issuer $auth.oidc.audience)) }}
{{- fail "auth.mode is oidc: auth.oidc.issuer and auth.oidc.audience say who the identity provider is and whom its tokens are for" }}
{{- end }}
{{- end }}

{{/* Whether a port may be reached although it asks nobody: gateway and line by auth.mode, services by what they show each other. */}}
{{- define "dicetower.open" -}}
{{- if has .name (list "gateway" "tcp-adapter") }}
{{- if eq .root.Values.auth.mode "none" }}true{{ end }}
{{- end }}
{{- if and (ne .name "gateway") (not .root.Values.certificatesSecretName) (not .root.Values.secretKeys.serviceSecret) }}true{{ end }}
{{- end }}
