package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	strict "k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	security "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// The namespace of whatever names none.
const namespace = "default"

// judge tells everything that is wrong with a manifest.
func judge(manifest json.RawMessage) []error {
	object, kind, err := decode(legacyscheme.Scheme, manifest)
	if runtime.IsNotRegisteredError(err) {
		_, _, err = decode(custom, manifest)
		return list(err)
	}
	if err != nil {
		return list(err)
	}
	strategy, isKnown := builtIn[kind.Kind]
	if !isKnown {
		return list(fmt.Errorf("no kind that AuthFlow has a use for: %s", kind))
	}
	return append(create(object, *kind, strategy), insecure(object)...)
}

func list(err error) []error {
	if err == nil {
		return nil
	}
	return []error{err}
}

// decode refuses unknown fields, and those that stand there twice.
func decode(scheme *runtime.Scheme, manifest json.RawMessage) (runtime.Object, *schema.GroupVersionKind, error) {
	options := strict.SerializerOptions{Strict: true}
	return strict.NewSerializerWithOptions(strict.DefaultMetaFactory, scheme, scheme, options).Decode(manifest, nil, nil)
}

// create does what the API server does before it stores a new object.
func create(object runtime.Object, kind schema.GroupVersionKind, strategy rest.RESTCreateStrategy) []error {
	scheme := legacyscheme.Scheme
	defaulted := object.DeepCopyObject()
	scheme.Default(defaulted)
	internal, err := scheme.ConvertToVersion(defaulted, schema.GroupVersion{Group: kind.Group, Version: runtime.APIVersionInternal})
	if err != nil {
		return list(err)
	}
	accessor, err := meta.Accessor(internal)
	if err != nil {
		return list(err)
	}
	if accessor.GetNamespace() == "" {
		accessor.SetNamespace(namespace)
	}
	rest.FillObjectMetaSystemFields(accessor)
	warned := &warnings{}
	ctx := request.WithNamespace(context.Background(), accessor.GetNamespace())
	ctx = request.WithRequestInfo(ctx, &request.RequestInfo{
		IsResourceRequest: true, Verb: "create", APIGroup: kind.Group, APIVersion: kind.Version,
	})
	err = rest.BeforeCreate(strategy, warning.WithWarningRecorder(ctx, warned), internal)
	return append(list(err), warned.all...)
}

// warnings are what the API server would tell whoever creates the object.
type warnings struct{ all []error }

func (warned *warnings) AddWarning(_, text string) { warned.all = append(warned.all, errors.New(text)) }

// insecure tells what a namespace that enforces "restricted" would refuse of a Pod.
func insecure(object runtime.Object) []error {
	var template core.PodTemplateSpec
	switch object := object.(type) {
	case *apps.Deployment:
		template = object.Spec.Template
	case *core.Pod:
		template = core.PodTemplateSpec{ObjectMeta: object.ObjectMeta, Spec: object.Spec}
	default:
		return nil
	}
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		return list(err)
	}
	level := security.LevelVersion{Level: security.LevelRestricted, Version: security.LatestVersion()}
	var faults []error
	for _, result := range evaluator.EvaluatePod(level, &template.ObjectMeta, &template.Spec) {
		if !result.Allowed {
			faults = append(faults, errors.New(strings.TrimSpace(result.ForbiddenReason+" "+result.ForbiddenDetail)))
		}
	}
	return faults
}
