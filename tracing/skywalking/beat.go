package skywalking

import (
	"context"
	"net"
	"os"
	"runtime"
	"strconv"
	"time"

	common "skywalking.apache.org/repo/goapi/collect/common/v3"
	management "skywalking.apache.org/repo/goapi/collect/management/v3"
)

const (
	firstBeat   = 200 * time.Millisecond // a cold start has better things to do
	beatEvery   = 20 * time.Second       // while the server answers
	beatAgain   = 3 * time.Second        // until it has heard of the instance
	beatTimeout = 10 * time.Second
	// tellEvery is how many beats apart the instance's properties are told again: a server may have lost them (Java:
	// collector.properties_report_period_factor, 10).
	tellEvery = 10
)

// beat tells the server what the instance is, and that it lives. What fails is not logged: the spool tells of a server that is away.
func (r *Reporter) beat(ctx context.Context) {
	t := time.NewTimer(firstBeat)
	defer t.Stop()
	for n := 0; ; {
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
		var err error
		if n%tellEvery == 0 {
			err = r.introduce(ctx)
		}
		if err == nil {
			err = r.alive(ctx) // the layer counts only from here
		}
		switch {
		case err == nil:
			n++
			t.Reset(beatEvery)
		case n == 0:
			t.Reset(beatAgain)
		default:
			n = 0 // whoever comes back may know nothing
			t.Reset(beatAgain)
		}
	}
}

func (r *Reporter) introduce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, beatTimeout)
	defer cancel()
	me := &management.InstanceProperties{Service: r.service, ServiceInstance: r.instance, Layer: r.layer, Properties: properties()}
	return r.conn.with(func(c client) error {
		_, err := management.NewManagementServiceClient(c).ReportInstanceProperties(r.signed(ctx), me)
		return err
	})
}

func (r *Reporter) alive(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, beatTimeout)
	defer cancel()
	return r.conn.with(func(c client) error {
		_, err := management.NewManagementServiceClient(c).KeepAlive(r.signed(ctx),
			&management.InstancePingPkg{Service: r.service, ServiceInstance: r.instance, Layer: r.layer})
		return err
	})
}

// properties are the process's, by the names that the server shows (Java: OSUtil.buildOSInfo).
func properties() []*common.KeyStringValuePair {
	host, _ := os.Hostname() // "" tells as much
	all := []*common.KeyStringValuePair{
		{Key: "OS Name", Value: runtime.GOOS},
		{Key: "Process No.", Value: strconv.Itoa(os.Getpid())},
		{Key: "hostname", Value: host},
		{Key: "language", Value: "go"},
	}
	addresses, _ := net.InterfaceAddrs() // none are told then
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() {
			all = append(all, &common.KeyStringValuePair{Key: "ipv4", Value: n.IP.String()})
		}
	}
	return all
}
