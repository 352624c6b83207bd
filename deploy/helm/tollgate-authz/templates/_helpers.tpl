{{- define "tollgate.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "tollgate.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "tollgate.labels" -}}
{{ include "tollgate.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: access-policy
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "tollgate.metadata" -}}
name: {{ include "tollgate.name" . }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "tollgate.labels" . | nindent 2 }}
{{- end -}}

{{- define "tollgate.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "tollgate.name" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "tollgate.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* An address with a port: IPv6 in brackets. */}}
{{- define "tollgate.listen" -}}
{{- $address := index . 0 -}}
{{- if contains ":" $address -}}[{{ $address }}]:{{ index . 1 }}{{- else -}}{{ $address }}:{{ index . 1 }}{{- end -}}
{{- end -}}

{{/* Values that would start a server that is open, or none. */}}
{{- define "tollgate.validate" -}}
{{- if not .Values.peers -}}
{{- fail "\n\npeers is empty: list the CIDRs from which your proxies connect, for example\n  --set 'peers={10.244.0.0/16}'\nThe server answers only these addresses." -}}
{{- end -}}
{{- range .Values.peers -}}
{{- if hasSuffix "/0" . -}}
{{- fail (printf "\n\npeers contains %s, which is every address: list only the CIDRs of your proxies. A client that can connect can claim any address." .) -}}
{{- end -}}
{{- end -}}
{{- $sources := 0 -}}
{{- range list .Values.policy.existingSecret .Values.policy.data .Values.policy.url .Values.policy.volume -}}
{{- if . -}}{{- $sources = add1 $sources -}}{{- end -}}
{{- end -}}
{{- if ne (int $sources) 1 -}}
{{- fail (printf "\n\n%d of policy.existingSecret, policy.data, policy.url and policy.volume are set: set exactly one, for example\n  kubectl create secret generic tollgate-policy --from-file=policy.tgi\n  --set policy.existingSecret=tollgate-policy" (int $sources)) -}}
{{- end -}}
{{- if and .Values.policy.url (not .Values.trust) -}}
{{- fail "\n\npolicy.url is set without trust: write access to that address would be enough to change every rule. Sign the image (`tollgate build --sign`) and set the trust keys: --set-file trust=trust.json" -}}
{{- end -}}
{{- if and .Values.networkPolicy.enabled (not .Values.networkPolicy.from) -}}
{{- fail "\n\nnetworkPolicy.from is empty, so no pod could connect: select the pods of your proxy, for example\n  --set-json 'networkPolicy.from=[{\"namespaceSelector\":{\"matchLabels\":{\"kubernetes.io/metadata.name\":\"ingress-nginx\"}}}]'" -}}
{{- end -}}
{{- if and .Values.trustForwardedFor (not .Values.upstream) -}}
{{- fail "\n\ntrustForwardedFor is set without upstream: the endpoints for proxies read the client's address from the header of their dialect, so remove it." -}}
{{- end -}}
{{- if and .Values.networkPolicy.enabled .Values.upstream (not .Values.networkPolicy.egress) -}}
{{- fail "\n\nupstream is set, but networkPolicy.egress has no rule that reaches it: add one with the pods and the port of the upstream." -}}
{{- end -}}
{{- end -}}
