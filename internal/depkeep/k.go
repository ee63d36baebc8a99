package depkeep

import (
	_ "github.com/failsafe-go/failsafe-go/budget"
	_ "github.com/failsafe-go/failsafe-go/bulkhead"
	_ "github.com/failsafe-go/failsafe-go/circuitbreaker"
	_ "github.com/failsafe-go/failsafe-go/fallback"
	_ "github.com/failsafe-go/failsafe-go/ratelimiter"
	_ "github.com/failsafe-go/failsafe-go/timeout"
	_ "github.com/go-zookeeper/zk"
	_ "github.com/goccy/go-yaml"
	_ "golang.org/x/sync/singleflight"
	_ "golang.org/x/time/rate"
)
