module github.com/dubbofn/dubbofn/bench

go 1.26

replace (
	github.com/dubbofn/dubbofn => ../
	github.com/dubbofn/dubbofn/bench/service => ./service
)

require (
	github.com/apache/dubbo-go-hessian2 v1.13.2
	github.com/dubbofn/dubbofn/bench/service v0.0.0-00010101000000-000000000000
)

require (
	github.com/dubbogo/gost v1.13.1 // indirect
	github.com/pkg/errors v0.9.1 // indirect
	go.uber.org/atomic v1.9.0 // indirect
)
