// Command dubbogo is the dubbo-go v3 provider, by its config API: with the server API, Register panics in v3.3.0 when it
// gets no ServiceInfo, and in v3.3.1 when the protocol has an ip. All but the loggers is left at its default.
package main

import (
	"context"
	"fmt"
	"os"

	"dubbo.apache.org/dubbo-go/v3/config"
	_ "dubbo.apache.org/dubbo-go/v3/imports"
	hessian "github.com/apache/dubbo-go-hessian2"

	"github.com/dubbofn/dubbofn/bench/service"
)

// BenchProvider is the service; dubbo-go finds its methods by reflection.
type BenchProvider struct {
	lists service.Lists
}

// Echo gives its argument back.
func (*BenchProvider) Echo(_ context.Context, text string) (string, error) { return text, nil }

// User gives the user back with id and age one higher.
func (*BenchProvider) User(_ context.Context, u *service.User) (*service.User, error) {
	return service.Next(u), nil
}

// Users gives as many users as asked for.
func (p *BenchProvider) Users(_ context.Context, count int32) ([]*service.User, error) {
	return p.lists.Get(count), nil
}

// Bytes gives its argument back.
func (*BenchProvider) Bytes(_ context.Context, data []byte) ([]byte, error) { return data, nil }

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "dubbogo:", err)
		os.Exit(1)
	}
}

func run() error {
	options, err := service.ParseOptions()
	if err != nil {
		return err
	}
	hessian.RegisterPOJO(&service.User{})
	config.SetProviderService(&BenchProvider{})
	yaml := fmt.Sprintf(`
dubbo:
  application:
    name: bench-dubbogo
  logger:
    zap-config:
      level: error
    level: error
  protocols:
    dubbo:
      name: dubbo
      port: %d
  provider:
    services:
      BenchProvider:
        interface: %s
`, options.Port(), service.Interface)
	if err := config.Load(config.WithBytes([]byte(yaml))); err != nil {
		return err
	}
	return service.Wait(context.Background(), options)
}
