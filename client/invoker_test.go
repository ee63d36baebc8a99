package client_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/invoker"
)

func TestAServiceIsCalledByItsKeyAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/registry"
	start(t, dir, "users", service())
	c := newClient(t, dir)
	var got [8]invoker.Invoker
	var all sync.WaitGroup
	for i := range got {
		all.Go(func() {
			var err error
			if got[i], err = c.Invoker(t.Context(), invoker.ServiceKey{Interface: users}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, s := range got {
		if s != got[0] {
			t.Error("there is more than one reference to one service")
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var u User
	if _, err := got[0].Invoke(ctx, &invoker.Invocation{Method: "getUser", Args: []any{int64(5)}, Into: &u}); err != nil || u.ID != 5 {
		t.Errorf("%+v, %v", u, err)
	}
	if _, err := c.Invoker(t.Context(), invoker.ServiceKey{Interface: "no name"}); err == nil {
		t.Error("a name that is none was taken")
	}
}

func TestAServiceThatTheProgramRefersToIsCalledWithItsOptions(t *testing.T) {
	t.Parallel()
	c := newClient(t, t.TempDir()+"/registry")
	mine := refer(t, c, client.Version("2.0"), client.Timeout(time.Minute))
	if s, err := c.Invoker(t.Context(), invoker.ServiceKey{Interface: users, Version: "2.0"}); err != nil || s != invoker.Invoker(mine) {
		t.Errorf("%v, %v", s, err)
	}
	if s, err := c.Invoker(t.Context(), invoker.ServiceKey{Interface: users}); err != nil || s == invoker.Invoker(mine) {
		t.Errorf("another version's reference was given: %v", err)
	}
}
