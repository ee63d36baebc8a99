module github.com/dubbofn/dubbofn/bench/peers/events

go 1.26.0

replace (
	github.com/dubbofn/dubbofn => ../../../
	github.com/dubbofn/dubbofn/bench/service => ../../service
)

require (
	github.com/GoogleCloudPlatform/functions-framework-go v1.9.2
	github.com/cloudevents/sdk-go/v2 v2.16.2
	github.com/dubbofn/dubbofn v0.0.0-00010101000000-000000000000
	github.com/dubbofn/dubbofn/bench/service v0.0.0-00010101000000-000000000000
)

require (
	cloud.google.com/go/functions v1.19.3 // indirect
	github.com/antlr/antlr4/runtime/Go/antlr v1.4.10 // indirect
	github.com/cloudevents/sdk-go/sql/v2 v2.16.2 // indirect
	github.com/goccy/go-yaml v1.18.0 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/json-iterator/go v1.1.12 // indirect
	github.com/modern-go/concurrent v0.0.0-20180306012644-bacd9c7ef1dd // indirect
	github.com/modern-go/reflect2 v1.0.3-0.20250322232337-35a7c28c31ee // indirect
	go.uber.org/multierr v1.11.0 // indirect
	go.uber.org/zap v1.27.0 // indirect
)
