package hessian_test

import (
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/java"
)

type ownUUID struct{ Value string }

func (ownUUID) JavaClassName() string { return "java.util.UUID" }

type instant struct{ Value string }

// Java's own values are compiled when one is asked for; who asks first may not be seen.
func TestJavasOwnValuesAreThereWhoeverAsksFirst(t *testing.T) {
	t.Parallel()
	id := java.UUID{1, 2, 3}
	_, _, b := encoded(t, id)
	types := hessian.NewTypes()
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			var d hessian.Decoder
			d.Reset(types, b, hessian.Limits{})
			if v, err := d.Object(); err != nil || v != any(id) {
				t.Errorf("read by its class: %v, %v", v, err)
			}
		})
		readers.Go(func() {
			if v, err := decodeAs[java.UUID](t, types, b); err != nil || v != id {
				t.Errorf("read by its type: %v, %v", v, err)
			}
		})
	}
	readers.Wait()
	if err := hessian.NewTypes().Name(reflect.TypeFor[java.UUID](), "org.example.ID"); err == nil || !strings.Contains(err.Error(), "java.util.UUID") {
		t.Errorf("another class for a UUID: %v", err)
	}
	if _, err := hessian.NewTypes().Register(reflect.TypeFor[ownUUID](), "org.example"); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("another type for Java's UUID: %v", err)
	}
	named := hessian.NewTypes()
	if err := named.Name(reflect.TypeFor[instant](), "com.alibaba.com.caucho.hessian.io.java8.InstantHandle"); err != nil {
		t.Fatal(err)
	}
	if _, err := named.Register(reflect.TypeFor[instant](), "org.example"); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("another type for Java's Instant: %v", err)
	}
}

// A slice that stands for an array has one plan, before Java's own values are compiled and after.
func TestAnArrayHasOnePlan(t *testing.T) {
	t.Parallel()
	types := hessian.NewTypes()
	plan := func() *hessian.Plan {
		p, err := types.Plan(reflect.TypeFor[[]int32]())
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	before := plan()
	type mixed struct {
		Before []int32
		Stamp  java.Instant
		After  []int32
	}
	if _, err := types.Register(reflect.TypeFor[mixed](), "org.example"); err != nil {
		t.Fatal(err)
	}
	if plan() != before {
		t.Error("[]int32 has another plan than before")
	}
}
