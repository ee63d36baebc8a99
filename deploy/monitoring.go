package deploy

import (
	"io/fs"

	"github.com/dubbofn/dubbofn/templates"
)

// Dashboard gives what Grafana (10 and later) imports.
func Dashboard() ([]byte, error) { return fs.ReadFile(templates.Files(), "grafana/dashboard.json") }

// Alerts gives a file of rules for Prometheus.
func Alerts() ([]byte, error) { return fs.ReadFile(templates.Files(), "grafana/alerts.yaml") }
