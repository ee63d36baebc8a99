package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dubbofn/dubbofn/deploy"
)

func renderBrokerCommand() *cobra.Command {
	var b deploy.Broker
	c := &cobra.Command{
		Use:   "broker",
		Short: "A Broker, where events arrive",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return write(c.OutOrStdout(), b) },
	}
	c.Flags().StringVar(&b.Name, "name", "default", "its name")
	c.Flags().StringVar(&b.Namespace, "namespace", "default", "where it is")
	c.Flags().StringVar(&b.Class, "class", "", "its kind, as Kafka (default: the cluster's)")
	deliveryFlags(c, &b.Delivery)
	return c
}

func renderTriggerCommand() *cobra.Command {
	var t deploy.Trigger
	c := &cobra.Command{
		Use:     "trigger NAME",
		Short:   "A Trigger, which brings a function the events of a broker",
		Example: `  dubbofn render trigger orders --function order --filter type=org.example.order.placed --dead-letter dead-letters --dead-letter-plain | kubectl apply -f -`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			t.Name = args[0]
			return write(c.OutOrStdout(), t)
		},
	}
	flags := c.Flags()
	flags.StringVar(&t.Function, "function", "", "the Knative Service that takes the events")
	flags.BoolVar(&t.Plain, "plain", false, "--function is a Service of Kubernetes' own, as 'dubbofn render sink' writes it")
	flags.StringVar(&t.Namespace, "namespace", "default", "where both are")
	flags.StringVar(&t.Broker, "broker", "default", "the broker of the namespace that they come from")
	t.Filter = map[string]string{}
	flags.Func("filter", "what an attribute must be, NAME=VALUE (may be given again; default: every event of the broker)", func(s string) error {
		name, value, ok := strings.Cut(s, "=")
		if !ok {
			return errors.New("want NAME=VALUE")
		}
		t.Filter[name] = value
		return nil
	})
	flags.StringVar(&t.CESQL, "cesql", "", "an expression of CESQL that must hold besides, as \"subject LIKE 'eu/%'\"")
	flags.DurationVar(&t.Timeout, "timeout", 0, "how long one try may take, a wake included (default 1m)")
	deliveryFlags(c, &t.Delivery)
	return c
}

func renderSinkCommand() *cobra.Command {
	var s deploy.Sink
	c := &cobra.Command{
		Use:   "sink",
		Short: "A Deployment that takes dead letters and logs them",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return write(c.OutOrStdout(), s) },
	}
	c.Flags().StringVar(&s.Name, "name", "dead-letters", "its name")
	c.Flags().StringVar(&s.Namespace, "namespace", "default", "where it runs")
	c.Flags().StringVar(&s.Image, "image", "", "the image of the command dubbofn, with a tag other than latest or a digest")
	return c
}

func deliveryFlags(c *cobra.Command, d *deploy.Delivery) {
	flags := c.Flags()
	flags.StringVar(&d.DeadLetter, "dead-letter", "", "the Knative Service that gets what was not taken (default: it is lost)")
	flags.BoolVar(&d.DeadLetterPlain, "dead-letter-plain", false, "--dead-letter is a Service of Kubernetes' own, as 'dubbofn render sink' writes it")
	flags.IntVar(&d.Retry, "retry", 0, "how often an event is sent again, -1 for never (default 8)")
	flags.DurationVar(&d.Backoff, "backoff", 0, "the pause before the first retry; each next one is twice as long (default 500ms)")
}
