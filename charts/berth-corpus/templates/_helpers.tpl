{{- define "berth-corpus.selector" -}}
app.kubernetes.io/name: berth-corpus
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "berth-corpus.labels" -}}
{{ include "berth-corpus.selector" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: berth
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "berth-corpus.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}
