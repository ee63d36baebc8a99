module github.com/dubbofn/dubbofn/bench

go 1.26.0

replace (
	github.com/dubbofn/dubbofn => ../
	github.com/dubbofn/dubbofn/bench/service => ./service
)

require (
	github.com/apache/dubbo-go-hessian2 v1.13.2
	github.com/dubbofn/dubbofn/bench/service v0.0.0-00010101000000-000000000000
	github.com/google/go-cmp v0.7.0
	github.com/google/pprof v0.0.0-20200708004538-1a94d8640e99
	go.uber.org/goleak v1.3.0
)

require (
	github.com/aclements/go-moremath v0.0.0-20210112150236-f10218a38794 // indirect
	github.com/bits-and-blooms/bitset v1.24.4 // indirect
	github.com/failsafe-go/failsafe-go v0.9.6 // indirect
	github.com/goccy/go-yaml v1.18.0 // indirect
	golang.org/x/perf v0.0.0-20260908200009-22c9c6c9d4da // indirect
)

require (
	github.com/dubbofn/dubbofn v0.0.0-00010101000000-000000000000
	github.com/dubbogo/gost v1.13.1 // indirect
	github.com/pkg/errors v0.9.1 // indirect
	go.uber.org/atomic v1.12.0 // indirect
)

tool golang.org/x/perf/cmd/benchstat
