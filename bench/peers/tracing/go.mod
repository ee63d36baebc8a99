module github.com/dubbofn/dubbofn/bench/peers/tracing

go 1.26.0

replace (
	github.com/dubbofn/dubbofn => ../../..
	github.com/dubbofn/dubbofn/bench/service => ../../service
)

require (
	github.com/dubbofn/dubbofn v0.0.0-00010101000000-000000000000
	github.com/dubbofn/dubbofn/bench/service v0.0.0-00010101000000-000000000000
	google.golang.org/grpc v1.83.2
	skywalking.apache.org/repo/goapi v0.0.0-20220401015832-2c9eee9481eb
)

require (
	github.com/SkyAPM/go2sky v1.5.0 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/pkg/errors v0.9.1 // indirect
	golang.org/x/net v0.59.0 // indirect
	golang.org/x/sys v0.48.0 // indirect
	golang.org/x/text v0.42.0 // indirect
	google.golang.org/genproto v0.0.0-20230410155749-daa745c078e1 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)
