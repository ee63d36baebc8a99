// Command shop is the function that doctor.sh plants faults in: ShopService, of which the environment says what build it is.
//
//	DOCTOR_INTERFACE   its interface (org.example.shop.ShopService)
//	DOCTOR_OLD         an older build: method price is not there yet
//	DOCTOR_STRANGER    find answers with a class that the interface does not name
//	DOCTOR_START       how long its process takes to start
package main

import (
	"cmp"
	"os"
	"time"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/fn/serve"
	"github.com/dubbofn/dubbofn/registry/nacos"
)

// Item is org.example.shop.Item.
type Item struct{ Name string }

// Parcel is a class of somebody else's.
type Parcel struct{ Inside string }

func main() {
	if d, err := time.ParseDuration(os.Getenv("DOCTOR_START")); err == nil && os.Getenv("DUBBOFN_DESCRIBE") == "" {
		time.Sleep(d)
	}
	options := []fn.Option{
		fn.Class[Item]("org.example.shop.Item"),
		fn.Method("item", func(name string) (*Item, error) { return &Item{name}, nil }, fn.Idempotent),
		fn.Method("find", func(name string) (any, error) { return &Item{name}, nil }, fn.Idempotent),
	}
	if os.Getenv("DOCTOR_OLD") == "" {
		options = append(options, fn.Method("price", func(string) (int64, error) { return 1, nil }, fn.Idempotent))
	}
	if os.Getenv("DOCTOR_STRANGER") != "" {
		options = append(options, fn.Class[Parcel]("com.elsewhere.Parcel"))
	}
	serve.Main(fn.NewService(cmp.Or(os.Getenv("DOCTOR_INTERFACE"), "org.example.shop.ShopService"), options...), nacos.Registry)
}
