{{- /*
What values.schema.json cannot say, because it is about two values at once or about the release.
As in the trainer: where, what is wrong there, what to do.
*/ -}}
{{- define "berth.checks" -}}
{{- $run := .Values.run }}
{{- if not (regexMatch "^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$" .Release.Name) }}
{{- fail (printf "release name %q: names the run, its pods and its folder; choose up to 40 lower-case letters, digits and hyphens, a letter first" .Release.Name) }}
{{- end }}
{{- if not (or $run.pretrain $run.squad) }}
{{- fail "run: nothing to do; set run.pretrain, run.squad or both" }}
{{- end }}
{{- with regexFind "[a-z0-9]+://[^/@\\s\"]+@" (toRawJson $run) }}
{{- fail (printf "run: credentials in a URI (%s...), and Helm keeps values where many can read them; name an existing Secret in storage.secret" (regexReplaceAll "//.*" . "//")) }}
{{- end }}
{{- include "berth.check_storage" . }}
{{- include "berth.check_workers" . }}
{{- if and (eq "online" (dig "tracking" "wandb" "offline" $run)) (not .Values.wandb.secret) }}
{{- fail "wandb.secret: not set, and run.tracking.wandb is online; name a Secret with the API key, or set offline" }}
{{- end }}
{{- range $name := keys .Values.pod.env | sortAlpha }}
{{- if regexMatch "(?i)secret|passw|(^|_)(token|credentials?|api_?key|access_?key|private_?key)(_|$)|(^|_)key$" $name }}
{{- fail (printf "pod.env.%s: looks like a secret, and Helm keeps values where many can read them; name an existing Secret in storage.secret, wandb.secret or ray_token.secret" $name) }}
{{- end }}
{{- if regexMatch "^(RANK|WORLD_SIZE|MASTER_(ADDR|PORT)|PET_.*|POD_(IP|CPUS)|RAY_AUTH_MODE|RAY_TMPDIR|HOME|BERTH_(ANNOTATED_JOB|CACHE|IMAGE|PROCESSES)|WANDB_BASE_URL)$" $name }}
{{- fail (printf "pod.env.%s: is set by the chart or the training operator; remove it" $name) }}
{{- end }}
{{- end }}
{{- range .Values.network_policy.extra_egress }}
{{- if eq (empty .cidr) (empty .namespace) }}
{{- fail (printf "network_policy.extra_egress: %s names not one destination; give each entry cidr or namespace" (toJson .)) }}
{{- end }}
{{- end }}
{{- if and .Values.metrics.pod_monitor .Values.network_policy.enabled (not .Values.metrics.scraped_by) }}
{{- fail "metrics.scraped_by: not set, so that the NetworkPolicy keeps Prometheus out; name its namespace or pods" }}
{{- end }}
{{- end }}

{{- /* Pods come and go: what lies on none of their volumes is lost. */ -}}
{{- define "berth.check_storage" -}}
{{- if and .Values.storage.claim .Values.storage.size }}
{{- fail (printf "storage.size: a claim of its own, beside storage.claim %s; set one of them" .Values.storage.claim) }}
{{- end }}
{{- $path := trimPrefix "file://" .Values.run.storage }}
{{- if not (contains "://" $path) }}
{{- if not (include "berth.claim" .) }}
{{- fail (printf "run.storage: %s is on no volume; set storage.claim or storage.size, or an URI such as s3://bucket/runs" $path) }}
{{- end }}
{{- if not (hasPrefix (printf "%s/" .Values.storage.mount_path) (printf "%s/" $path)) }}
{{- fail (printf "run.storage: %s is not on the volume; choose a path below storage.mount_path %s" $path .Values.storage.mount_path) }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Pods x processes of a pod, which is how the trainer counts workers, must be what run.scaling allows. */ -}}
{{- define "berth.check_workers" -}}
{{- $scaling := .Values.run.scaling | default dict }}
{{- $cpu := toString .Values.worker.cpu }}
{{- $cores := int (ceil (ternary (divf (trimSuffix "m" $cpu) 1000) (float64 $cpu) (hasSuffix "m" $cpu))) }}
{{- $gpus := int .Values.worker.gpus }}
{{- $each := int ($scaling.cpus_per_worker | default 1) }}
{{- $processes := div $cores $each | int }}
{{- if $scaling.gpus_per_worker }}
{{- if not $gpus }}
{{- fail "worker.gpus: 0, and run.scaling.gpus_per_worker is 1; set the GPUs of one pod" }}
{{- end }}
{{- if lt $processes $gpus }}
{{- fail (printf "worker.cpu: %s is too few for %d workers (GPUs) of run.scaling.cpus_per_worker %d; request %d" $cpu $gpus $each (mul $gpus $each)) }}
{{- end }}
{{- $processes = $gpus }}
{{- else if $gpus }}
{{- fail (printf "run.scaling.gpus_per_worker: 0, and %d GPUs of each pod would idle; set 1, or worker.gpus to 0" $gpus) }}
{{- end }}
{{- if not $processes }}
{{- fail (printf "worker.cpu: %s is too few for a worker of run.scaling.cpus_per_worker %d; request %d or more" $cpu $each $each) }}
{{- end }}
{{- $allowed := $scaling.num_workers | default 1 }}
{{- if not (kindIs "slice" $allowed) }}
{{- $allowed = list $allowed $allowed }}
{{- end }}
{{- $total := mul (int .Values.workers) $processes | int }}
{{- if or (lt $total (int (first $allowed))) (gt $total (int (last $allowed))) }}
{{- fail (printf "workers: %d pods of %d workers each make %d, and run.scaling.num_workers allows %d to %d; change one of them" (int .Values.workers) $processes $total (int (first $allowed)) (int (last $allowed))) }}
{{- end }}
{{- end }}
