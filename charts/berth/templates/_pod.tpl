{{- /*
The pod of Master, Workers and test. All of it passes Pod Security `restricted`, but for pod.ipc_lock.
  root    the chart's context
  name    of the container
  args    of the command `berth`
  pods    cpu, memory, limits, where to run: .Values.master or .Values.worker
  component  master, worker or test
  trains  a part of the job, not the test
*/ -}}
{{- define "berth.pod" -}}
{{- $ := .root -}}
serviceAccountName: {{ $.Release.Name }}
automountServiceAccountToken: {{ and (eq .component "master") $.Values.job.progress_annotations }}
enableServiceLinks: false
{{- with $.Values.image.pull_secrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
terminationGracePeriodSeconds: 60 # the run is saved first, which may take 45
{{- with $.Values.pod.priority_class }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with $.Values.pod.scheduler }}
schedulerName: {{ . | quote }}
{{- end }}
{{- with .pods.runtime_class }}
runtimeClassName: {{ . | quote }}
{{- end }}
{{- with .pods.node_selector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .pods.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .pods.topology_spread_constraints }}
topologySpreadConstraints:
  {{- toYaml . | nindent 2 }}
{{- end }}
tolerations: # Kubernetes' own 300 s would hold the run on a lost node
  - {key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, tolerationSeconds: 30}
  - {key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 30}
  {{- with .pods.tolerations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
securityContext:
  {{- if $.Values.pod.ipc_lock }}
  runAsUser: 0
  {{- else }}
  runAsNonRoot: true
  runAsUser: 65532
  {{- end }}
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch # a corpus has many files
  seccompProfile: {type: RuntimeDefault}
containers:
  - name: {{ .name }}
    image: {{ include "berth.image" $ | quote }}
    imagePullPolicy: {{ $.Values.image.pull_policy }}
    args: {{ toJson .args }}
    env:
      - {name: HOME, value: /tmp}
      - {name: BERTH_CACHE, value: /tmp/berth}
      {{- if .trains }}
      {{- if and (eq .component "master") $.Values.job.progress_annotations }}
      - {name: BERTH_ANNOTATED_JOB, value: {{ $.Release.Name | quote }}}
      {{- end }}
      - {name: BERTH_IMAGE, value: {{ include "berth.image" $ | quote }}} # recorded beside the curves
      - {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
      - {name: POD_CPUS, valueFrom: {resourceFieldRef: {resource: requests.cpu, divisor: "1"}}} # rounded up
      - {name: BERTH_PROCESSES, value: $(POD_CPUS)}
      - {name: RAY_TMPDIR, value: /tmp/ray}
      - {name: RAY_AUTH_MODE, value: token}
      - {name: RAY_AUTH_TOKEN_PATH, value: /var/run/secrets/berth/ray-token/token}
      {{- with $.Values.wandb }}
      {{- if .base_url }}
      - {name: WANDB_BASE_URL, value: {{ .base_url | quote }}}
      {{- end }}
      {{- if .secret }}
      - {name: WANDB_API_KEY, valueFrom: {secretKeyRef: {name: {{ .secret | quote }}, key: {{ .key | quote }}}}}
      {{- end }}
      {{- end }}
      {{- end }}
      {{- range $name, $value := $.Values.pod.env }}
      - {name: {{ $name }}, value: {{ $value | quote }}}
      {{- end }}
    {{- with $.Values.storage.secret }}
    envFrom:
      - secretRef: {name: {{ . | quote }}}
    {{- end }}
    {{- if eq .component "master" }}
    ports:
      - {name: metrics, containerPort: 6386}
    {{- end }}
    resources:
      requests: {cpu: {{ toJson .pods.cpu }}, memory: {{ toJson .pods.memory }}}
      limits:
        memory: {{ toJson .pods.memory }}
        {{- with .pods.gpus }}
        nvidia.com/gpu: {{ . }}
        {{- end }}
        {{- with .pods.limits }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities:
        drop: [ALL]
        {{- if and $.Values.pod.ipc_lock (hasKey .pods "gpus") }}
        add: [IPC_LOCK]
        {{- end }}
    volumeMounts:
      - {name: run, mountPath: /etc/berth, readOnly: true}
      - {name: tmp, mountPath: /tmp}
      {{- if .trains }}
      - {name: shm, mountPath: /dev/shm}
      - {name: ray-token, mountPath: /var/run/secrets/berth/ray-token, readOnly: true}
      {{- end }}
      {{- if include "berth.claim" $ }}
      - {name: storage, mountPath: {{ $.Values.storage.mount_path | quote }}}
      {{- end }}
volumes:
  - name: run
    configMap: {name: {{ $.Release.Name }}}
  - name: tmp
    emptyDir: {sizeLimit: {{ toJson $.Values.pod.tmp_size }}}
  {{- if .trains }}
  - name: shm
    emptyDir: {medium: Memory, sizeLimit: {{ toJson $.Values.pod.shm_size }}}
  - name: ray-token
    secret:
      secretName: {{ include "berth.ray_token" $ | quote }}
      items: [{key: {{ $.Values.ray_token.key | quote }}, path: token}]
  {{- end }}
  {{- with include "berth.claim" $ }}
  - name: storage
    persistentVolumeClaim: {claimName: {{ . | quote }}}
  {{- end }}
{{- end }}

{{- /* The same as a pod template of the job. */ -}}
{{- define "berth.replica" -}}
{{- $ := .root -}}
metadata:
  labels:
    {{- include "berth.labels" $ | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
    {{- with $.Values.pod.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $.Values.pod.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- $args := list "pod" "/etc/berth/run.yaml" }}
  {{- include "berth.pod" (dict "root" $ "name" "pytorch" "args" $args "pods" .pods "component" .component "trains" true) | nindent 2 }}
{{- end }}
