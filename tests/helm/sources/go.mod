// Where the schemas of Kubernetes' kinds come from: files in modules, of which no code is used.
module authflow.example/schemas

go 1.26.0

require (
	github.com/prometheus-operator/prometheus-operator v0.85.0
	k8s.io/kubernetes v1.37.2
	sigs.k8s.io/gateway-api v1.6.3
)
