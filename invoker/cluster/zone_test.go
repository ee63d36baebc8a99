package cluster

import "testing"

// TestZonesThatNobodyHasConnectedToCount is about consumers that connect at the first call (Java's lazy connections count as available).
func TestZonesThatNobodyHasConnectedToCount(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		preferred bool
		zone      string
		force     string
	}{
		"preferred":               {preferred: true},
		"the call's zone":         {zone: "shanghai"},
		"the call's zone, a must": {zone: "shanghai", force: "true"},
	} {
		one, two := unconnected(t, 1), unconnected(t, 1)
		z, err := NewZoneAware(Zone{Name: "a", Zone: "hangzhou", Cluster: one.cluster(Config{}), Weight: 100},
			Zone{Name: "b", Zone: "shanghai", Cluster: two.cluster(Config{}), Preferred: c.preferred, Weight: 1})
		if err != nil {
			t.Fatal(err)
		}
		z.rand = func(int64) int64 { return 0 }
		for range 3 {
			inv := call()
			inv.Attachments.Set("registry_zone", c.zone)
			inv.Attachments.Set("registry_zone_force", c.force)
			if _, err := z.Invoke(t.Context(), inv); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n := two.all[0].calls.Load(); n != 3 {
			t.Errorf("%s: %d of 3 calls went there", name, n)
		}
	}
}

func TestStickyCallsStayInOneZone(t *testing.T) {
	t.Parallel()
	one, two := network(t, 2, map[string]string{"sticky": "true"}), network(t, 2, map[string]string{"sticky": "true"})
	z, err := NewZoneAware(Zone{Name: "a", Cluster: one.cluster(Config{})}, Zone{Name: "b", Cluster: two.cluster(Config{})})
	if err != nil {
		t.Fatal(err)
	}
	z.rand = drawn(150, 0)
	calls := func(d *hosts) (n int64) {
		for _, h := range d.all {
			n += h.calls.Swap(0)
		}
		return n
	}
	for range 10 {
		if _, err := z.Invoke(t.Context(), call()); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := calls(one), calls(two); a != 0 || b != 10 {
		t.Errorf("%d and %d calls; want all where the first went", a, b)
	}
	for _, h := range two.all {
		h.leaving.Store(true)
	}
	_, _ = z.Invoke(t.Context(), call())
	for _, h := range two.all {
		h.leaving.Store(false)
	}
	for range 9 {
		_, _ = z.Invoke(t.Context(), call())
	}
	if a, b := calls(one), calls(two); a != 10 || b != 0 {
		t.Errorf("%d and %d calls; want all where they went when the zone before took none", a, b)
	}
}
