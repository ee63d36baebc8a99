// Package templates holds the manifests that package deploy fills in. They are text templates of YAML, so that their comments reach
// whoever applies them; every value in them comes through "quote".
package templates

import (
	"embed"
	"io/fs"
)

//go:embed knative/*.yaml
var files embed.FS

// Files gives the templates: "knative/activator.yaml", "knative/keeper.yaml", "knative/function.yaml", and for events
// "knative/broker.yaml", "knative/trigger.yaml" and "knative/sink.yaml".
func Files() fs.FS { return files }
