package local

import "testing"

func TestConsumersOfOtherRegistriesAreNotSentToLoopback(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ registries, bind, host, listen, register string }{
		{"embedded://", "", "", "127.0.0.1", "127.0.0.1"},
		{"embedded:///a,embedded:///b", "", "10.0.0.9", "127.0.0.1", "10.0.0.9"},
		{"nacos://127.0.0.1:8848", "", "", "", outer()},
		{"embedded://,zookeeper://zk:2181", "0.0.0.0", "", "0.0.0.0", outer()},
		{"nacos://127.0.0.1:8848", "127.0.0.1", "", "127.0.0.1", "127.0.0.1"},
		{"nacos://127.0.0.1:8848", "", "127.0.0.1", "127.0.0.1", "127.0.0.1"},
	} {
		if listen, register := place(c.registries, c.bind, c.host); listen != c.listen || register != c.register {
			t.Errorf("%s, bind %q, host %q: %q, %q", c.registries, c.bind, c.host, listen, register)
		}
	}
}
