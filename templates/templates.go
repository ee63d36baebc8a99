// Package templates holds the manifests that package deploy fills in, and what Grafana and Prometheus take as it is. Manifests are text
// templates of YAML, so that their comments reach whoever applies them; every value in them comes through "quote".
package templates

import (
	"embed"
	"io/fs"
)

//go:embed knative/*.yaml grafana/* new/*
var files embed.FS

// Files gives the templates: "knative/activator.yaml", "knative/keeper.yaml", "knative/function.yaml", and for events
// "knative/broker.yaml", "knative/trigger.yaml" and "knative/sink.yaml"; as they are,
// "grafana/dashboard.json" and "grafana/alerts.yaml"; and what 'dubbofn new' makes modules of: "new/TEMPLATE/FILE.tmpl", with "new/TEMPLATE/about.txt".
func Files() fs.FS { return files }
