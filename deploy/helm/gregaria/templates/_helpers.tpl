{{- define "gregaria.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "gregaria.labels" -}}
app.kubernetes.io/name: gregaria
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* What a selector finds the pods of a part by: (dict "top" . "part" "master"). */}}
{{- define "gregaria.selector" -}}
app.kubernetes.io/name: gregaria
app.kubernetes.io/instance: {{ .top.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "gregaria.secret" -}}
{{ .Values.clusterSecret.existingSecret | default (printf "%s-cluster" (include "gregaria.name" .)) }}
{{- end }}

{{/* The ConfigMap with the locustfile; nothing when the image has it. */}}
{{- define "gregaria.configMap" -}}
{{- if not .Values.locustfile.path }}{{ .Values.locustfile.configMap | default (printf "%s-locustfile" (include "gregaria.name" .)) }}{{ end }}
{{- end }}

{{- define "gregaria.locustfile" -}}
{{ .Values.locustfile.path | default (printf "/mnt/locust/%s" .Values.locustfile.name) }}
{{- end }}

{{/* What would come out wrong is refused here, by the names of the values. */}}
{{- define "gregaria.check" -}}
{{- if eq .Values.mode "job" }}
{{- if not .Values.test.runTime }}{{ fail "mode job needs test.runTime, for example 10m: a test without one does not end" }}{{ end }}
{{- if .Values.autoscaling.enabled }}{{ fail "autoscaling.enabled needs mode web: the workers of a Job are a fixed number" }}{{ end }}
{{- end }}
{{- $given := list }}
{{- range $name := list "content" "configMap" "path" }}{{ if index $.Values.locustfile $name }}{{ $given = append $given (printf "locustfile.%s" $name) }}{{ end }}{{ end }}
{{- if gt (len $given) 1 }}{{ fail (printf "%s exclude each other: give one of them" (join " and " $given)) }}{{ end }}
{{- if and .Values.locustfile.files (or .Values.locustfile.configMap .Values.locustfile.path) }}{{ fail "locustfile.files lie beside locustfile.content: put them into the ConfigMap or the image that has the locustfile" }}{{ end }}
{{- end }}

{{/* All of a pod but its container's arguments, probes and own volumes. */}}
{{- define "gregaria.pod" -}}
serviceAccountName: {{ .Values.serviceAccount.name }}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Where pods go: the values of master or worker. */}}
{{- define "gregaria.placement" -}}
{{- range $name := list "nodeSelector" "tolerations" "affinity" "topologySpreadConstraints" "priorityClassName" }}
{{- with index $ $name }}
{{ $name }}:{{ if kindIs "string" . }} {{ . }}{{ else }}
  {{- toYaml . | nindent 2 }}{{ end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "gregaria.container" -}}
image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
{{- end }}

{{- define "gregaria.env" -}}
{{- if .Values.clusterSecret.enabled }}
- name: GREGARIA_CLUSTER_SECRET
  valueFrom:
    secretKeyRef:
      name: {{ include "gregaria.secret" . }}
      key: secret
{{- end }}
{{- range $name, $value := .Values.env }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- range $name, $from := .Values.secretEnv }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $from.secret }}
      key: {{ $from.key }}
{{- end }}
{{- end }}

{{- define "gregaria.master" -}}
metadata:
  labels:
    {{- include "gregaria.labels" . | nindent 4 }}
    app.kubernetes.io/component: master
    {{- with .Values.master.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    gregaria/locustfile: {{ include "gregaria.files" . | sha256sum }}
    {{- with .Values.master.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- include "gregaria.pod" . | nindent 2 }}
  {{- with include "gregaria.placement" .Values.master | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- if eq .Values.mode "job" }}
  restartPolicy: Never
  {{- end }}
  containers:
    - name: master
      {{- include "gregaria.container" . | nindent 6 }}
      args:
        - --master
        - {{ printf "--locustfile=%s" (include "gregaria.locustfile" .) | quote }}
        - --users={{ int .Values.test.users }}
        - --spawn-rate={{ .Values.test.spawnRate }}
        {{- with .Values.test.host }}
        - {{ printf "--host=%s" . | quote }}
        {{- end }}
        {{- with .Values.test.runTime }}
        - --run-time={{ . }}
        {{- end }}
        {{- with .Values.web.basePath }}
        - {{ printf "--web-base-path=%s" . | quote }}
        {{- end }}
        {{- if eq .Values.mode "job" }}
        - --autostart
        - --autoquit={{ int .Values.test.stayFor }}
        - --expect-workers={{ int .Values.worker.replicas }}
        - --expect-workers-max-wait={{ int .Values.test.workersWaitSeconds }}
        {{- end }}
        {{- if .Values.reports.enabled }}
        - --runs-dir=/reports/runs
        {{- if eq .Values.mode "job" }}
        - --journal=/reports/journal
        - --html=/reports/report.html
        - --json-file=/reports/report
        - --csv=/reports/report
        - --failures-dir=/reports/failures
        {{- end }}
        {{- end }}
        {{- with concat .Values.args .Values.master.args }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with include "gregaria.env" . }}
      env:
        {{- . | nindent 8 }}
      {{- end }}
      {{- with .Values.envFrom }}
      envFrom:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        - name: web
          containerPort: 8089
        - name: cluster
          containerPort: 5557
      # The page answers from the first moment on. A master that is busy is not killed for it: six in a row do that.
      readinessProbe:
        httpGet: {path: "{{ .Values.web.basePath }}/", port: web}
        periodSeconds: 5
        timeoutSeconds: 5
      livenessProbe:
        httpGet: {path: "{{ .Values.web.basePath }}/", port: web}
        initialDelaySeconds: 30
        periodSeconds: 20
        timeoutSeconds: 10
        failureThreshold: 6
      resources:
        {{- toYaml .Values.master.resources | nindent 8 }}
      volumeMounts:
        - {name: tmp, mountPath: /tmp}
        {{- if include "gregaria.configMap" . }}
        - {name: locustfile, mountPath: /mnt/locust, readOnly: true}
        {{- end }}
        {{- if .Values.reports.enabled }}
        - {name: reports, mountPath: /reports}
        {{- end }}
        {{- with .Values.master.volumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - {name: tmp, emptyDir: {}}
    {{- with include "gregaria.configMap" . }}
    - {name: locustfile, configMap: {name: {{ . }}}}
    {{- end }}
    {{- if .Values.reports.enabled }}
    - name: reports
      persistentVolumeClaim:
        claimName: {{ .Values.reports.existingClaim | default (printf "%s-reports" (include "gregaria.name" .)) }}
    {{- end }}
    {{- with .Values.master.volumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}

{{- define "gregaria.worker" -}}
metadata:
  labels:
    {{- include "gregaria.labels" . | nindent 4 }}
    app.kubernetes.io/component: worker
    {{- with .Values.worker.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    gregaria/locustfile: {{ include "gregaria.files" . | sha256sum }}
    {{- with .Values.worker.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- include "gregaria.pod" . | nindent 2 }}
  {{- with include "gregaria.placement" .Values.worker | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- if eq .Values.mode "job" }}
  restartPolicy: Never
  {{- end }}
  containers:
    - name: worker
      {{- include "gregaria.container" . | nindent 6 }}
      args:
        - --worker
        - {{ printf "--locustfile=%s" (ternary "-" (include "gregaria.locustfile" .) .Values.locustfile.fromMaster) | quote }}
        - --master-host={{ include "gregaria.name" . }}-master
        {{- if eq .Values.mode "job" }}
        - --exit-code-on-signal=143
        {{- end }}
        {{- with concat .Values.args .Values.worker.args }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      env:
        # A variable, as the probe has to know it, too.
        - name: GREGARIA_MASTER_NODE_PORT
          value: {{ .Values.service.clusterPort | quote }}
        {{- include "gregaria.env" . | nindent 8 }}
      {{- with .Values.envFrom }}
      envFrom:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      # READY says that it has its master. There is no liveness: one that is stuck is paused by its lease, one that
      # has lost its master for five minutes ends.
      readinessProbe:
        exec: {command: [gregaria-probe, worker]}
        periodSeconds: 5
        timeoutSeconds: 5
      resources:
        {{- toYaml .Values.worker.resources | nindent 8 }}
      volumeMounts:
        - {name: tmp, mountPath: /tmp}
        {{- if and (include "gregaria.configMap" .) (not .Values.locustfile.fromMaster) }}
        - {name: locustfile, mountPath: /mnt/locust, readOnly: true}
        {{- end }}
        {{- with .Values.worker.volumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - {name: tmp, emptyDir: {}}
    {{- if and (include "gregaria.configMap" .) (not .Values.locustfile.fromMaster) }}
    - {name: locustfile, configMap: {name: {{ include "gregaria.configMap" . }}}}
    {{- end }}
    {{- with .Values.worker.volumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}

{{/* The files of the ConfigMap that the chart makes. */}}
{{- define "gregaria.files" -}}
{{ .Values.locustfile.name }}: {{ .Values.locustfile.content | default (.Files.Get "files/locustfile.py") | quote }}
{{- range $name, $content := .Values.locustfile.files }}
{{ $name }}: {{ $content | quote }}
{{- end }}
{{- end }}
