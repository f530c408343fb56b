{{- /* The pod of a part. All of it passes Pod Security `restricted`. */ -}}
{{- define "berth-corpus.pod" -}}
serviceAccountName: {{ .Release.Name }}
automountServiceAccountToken: false
enableServiceLinks: false
restartPolicy: Never # the Job makes a new pod, which goes on where this one was
{{- with .Values.image.pull_secrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- with .Values.pod.priority_class }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .Values.pod.node_selector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.pod.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
tolerations: # Kubernetes' own 300 s would hold the corpus on a lost node
  - {key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, tolerationSeconds: 30}
  - {key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 30}
  {{- with .Values.pod.tolerations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch # a corpus has many files
  seccompProfile: {type: RuntimeDefault}
containers:
  - name: berth
    image: {{ include "berth-corpus.image" . | quote }}
    imagePullPolicy: {{ .Values.image.pull_policy }}
    args:
      - prepare
      - /etc/berth/corpus.yaml
      - --part=$(JOB_COMPLETION_INDEX)/{{ int .Values.parts }}
      - --wait-minutes={{ .Values.job.wait_minutes }}
    env:
      - {name: HOME, value: /tmp}
      - {name: BERTH_CACHE, value: /tmp/berth}
      - {name: BERTH_PROCESSES, valueFrom: {resourceFieldRef: {resource: requests.cpu, divisor: "1"}}} # rounded up
      {{- range $name, $value := .Values.pod.env }}
      - {name: {{ $name }}, value: {{ $value | quote }}}
      {{- end }}
    {{- with .Values.storage.secret }}
    envFrom:
      - secretRef: {name: {{ . | quote }}}
    {{- end }}
    resources:
      requests: {cpu: {{ toJson .Values.pod.cpu }}, memory: {{ toJson .Values.pod.memory }}}
      limits:
        memory: {{ toJson .Values.pod.memory }}
        {{- with .Values.pod.limits }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities:
        drop: [ALL]
    volumeMounts:
      - {name: corpus, mountPath: /etc/berth, readOnly: true}
      - {name: tmp, mountPath: /tmp}
      {{- if .Values.storage.claim }}
      - {name: storage, mountPath: {{ .Values.storage.mount_path | quote }}}
      {{- end }}
volumes:
  - name: corpus
    configMap: {name: {{ .Release.Name }}}
  - name: tmp
    emptyDir: {sizeLimit: {{ toJson .Values.pod.tmp_size }}}
  {{- with .Values.storage.claim }}
  - name: storage
    persistentVolumeClaim: {claimName: {{ . | quote }}}
  {{- end }}
{{- end }}
