package client_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/client"
)

func TestTimeIsCountedDownWhereItIsWanted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/registry"
	start(t, dir, "users", service())
	yes := true
	for _, countdown := range []*bool{nil, &yes} {
		c, err := client.New(client.Config{Registry: []string{"embedded://" + dir}, Timeout: 4 * time.Second, Countdown: countdown})
		if err != nil {
			t.Fatal(err)
		}
		var left string
		if err := refer(t, c).Call(t.Context(), "attachment", &left, "_TO"); err != nil {
			t.Error(err)
		}
		if n, _ := strconv.Atoi(left); (n > 0 && n <= 4000) != (countdown != nil) {
			t.Errorf("told %q", left)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestAnOperatorCountsTimeDown(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/registry"
	start(t, dir, "users", service())
	s := refer(t, newClient(t, dir))
	obey(t, dir, users+"::.configurators", "configVersion: v3.0\nscope: service\nkey: "+users+"\nenabled: true\nconfigs:\n- side: consumer\n  parameters:\n    attachment.enable-timeout-countdown: true\n")
	var left string
	eventually(t, "providers are told", func() bool { return s.Call(t.Context(), "attachment", &left, "_TO") == nil && left != "" })
}
