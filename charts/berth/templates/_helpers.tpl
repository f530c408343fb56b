{{- define "berth.labels" -}}
app.kubernetes.io/name: berth
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: berth
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end }}

{{- /* The operator labels each pod with its job's name: what one run has, and no other. */ -}}
{{- define "berth.job_pods" -}}
training.kubeflow.org/job-name: {{ .Release.Name }}
{{- end }}

{{- define "berth.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{- define "berth.ray_token" -}}
{{ .Values.ray_token.secret | default (printf "%s-ray-token" .Release.Name) }}
{{- end }}

{{- /* The PersistentVolumeClaim to mount; empty: none. */ -}}
{{- define "berth.claim" -}}
{{ .Values.storage.claim | default (empty .Values.storage.size | ternary "" .Release.Name) }}
{{- end }}
