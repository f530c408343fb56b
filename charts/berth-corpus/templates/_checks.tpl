{{- /*
What values.schema.json cannot say, because it is about two values at once or about the release.
As in the trainer: where, what is wrong there, what to do.
*/ -}}
{{- define "berth-corpus.checks" -}}
{{- if not (regexMatch "^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$" .Release.Name) }}
{{- fail (printf "release name %q: names the job and its pods; choose up to 40 lower-case letters, digits and hyphens, a letter first" .Release.Name) }}
{{- end }}
{{- with regexFind "[a-z0-9]+://[^/@\\s\"]+@" (toRawJson .Values.prepare) }}
{{- fail (printf "prepare: credentials in a URI (%s...), and Helm keeps values where many can read them; name an existing Secret in storage.secret" (regexReplaceAll "//.*" . "//")) }}
{{- end }}
{{- $path := trimPrefix "file://" .Values.prepare.storage }}
{{- if not (contains "://" $path) }}
{{- if not .Values.storage.claim }}
{{- fail (printf "prepare.storage: %s is on no volume; set storage.claim, or an URI such as s3://bucket/corpora/wiki" $path) }}
{{- end }}
{{- if not (hasPrefix (printf "%s/" .Values.storage.mount_path) (printf "%s/" $path)) }}
{{- fail (printf "prepare.storage: %s is not on the volume; choose a path below storage.mount_path %s" $path .Values.storage.mount_path) }}
{{- end }}
{{- end }}
{{- range $name := keys .Values.pod.env | sortAlpha }}
{{- if regexMatch "(?i)secret|passw|(^|_)(token|credentials?|api_?key|access_?key|private_?key)(_|$)|(^|_)key$" $name }}
{{- fail (printf "pod.env.%s: looks like a secret, and Helm keeps values where many can read them; name an existing Secret in storage.secret" $name) }}
{{- end }}
{{- if has $name (list "HOME" "BERTH_CACHE" "BERTH_PROCESSES" "JOB_COMPLETION_INDEX") }}
{{- fail (printf "pod.env.%s: is set by the chart or by Kubernetes; remove it" $name) }}
{{- end }}
{{- end }}
{{- range .Values.network_policy.extra_egress }}
{{- if eq (empty .cidr) (empty .namespace) }}
{{- fail (printf "network_policy.extra_egress: %s names not one destination; give each entry cidr or namespace" (toJson .)) }}
{{- end }}
{{- end }}
{{- end }}
