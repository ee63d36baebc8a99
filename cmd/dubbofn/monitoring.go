package main

import (
	"github.com/spf13/cobra"

	"github.com/dubbofn/dubbofn/deploy"
)

func renderDashboardCommand() *cobra.Command {
	return asItIs("dashboard", "A dashboard of functions, their cold starts, events and spans, for Grafana 10 and later", deploy.Dashboard)
}

func renderAlertsCommand() *cobra.Command {
	return asItIs("alerts", "Alerts, as a file of rules for Prometheus", deploy.Alerts)
}

// asItIs writes what takes no settings.
func asItIs(name, short string, text func() ([]byte, error)) *cobra.Command {
	return &cobra.Command{
		Use:   name,
		Short: short,
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			b, err := text()
			if err == nil {
				_, err = c.OutOrStdout().Write(b)
			}
			return err
		},
	}
}
