# Everything that developers and CI run. `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BUILD    := build
MODULES  := . bench bench/service e2e e2e/eventing e2e/collector e2e/promql e2e/console e2e/knative/tools
LINT     := $(BUILD)/golangci-lint
FUZZTIME ?= 60s

.PHONY: help demo test interop import java newcomer trust seata bench bench-goals bench-scale bench-outbound bench-select bench-start bench-activator bench-warm bench-events bench-tracing fuzz lint build fmt docs decisions rules churn chaos nacos-restart hostile cycles faults doctor-faults events lab lab-up lab-down pictures console-shots release clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: build ## two functions that run only while they are called, woken twice, each wake drawn; needs Go only
	@examples/demo.sh

test: ## all that must hold before a change goes in (Go, Java and Maven are enough; 10 to 20 minutes)
	@.ci/test.sh

build: ## the dubbofn command and the example function, into build/
	@mkdir -p $(BUILD)
	go build -o $(BUILD)/ ./cmd/dubbofn ./examples/functions/...

fmt: ## format the Go sources
	gofmt -w .

lint: $(LINT) ## golangci-lint, pinned in tools/go.mod, over every module
	@ok=yes; for m in $(MODULES); do (cd $$m && echo "lint $$m" && GOLANGCI_LINT_CACHE="$(CURDIR)/$(BUILD)/lint-cache" "$(CURDIR)/$(LINT)" run --config "$(CURDIR)/.golangci.yml" ./...) || ok=no; done; [ $$ok = yes ]

$(LINT): tools/go.mod tools/go.sum
	@echo "building golangci-lint (2 to 3 minutes, once)"
	@mkdir -p $(BUILD)
	@cd tools && go build -o "$(CURDIR)/$(LINT)" github.com/golangci/golangci-lint/v2/cmd/golangci-lint

docs: ## write the pages of reference that are made from the sources: configuration, command line, errors
	@.ci/docs.sh

pictures: ## draw docs/img/dashboard.svg again, from a minute of a real run
	@e2e/picture.sh

console-shots: ## a real browser looks at the console of a live run: pictures, errors, keyboard, contrast; needs Chromium
	@e2e/console.sh

decisions: ## ask Java's balancers, routers and configurators again, for the tests to compare with
	@e2e/decisions/run.sh

fuzz: ## every fuzz target for FUZZTIME (60s)
	@.ci/fuzz.sh $(FUZZTIME)

interop: ## Java 2.7.23 and 3.3.6 consumers on Go providers, and a Go consumer on theirs: every way to be found
	@e2e/interop.sh
	@e2e/interop.sh --through activator
	@e2e/reverse.sh

import: ## the Go side of the kit's interfaces made from their jar, filled in, and called by Java 3.3.6 and 2.7.23
	@e2e/import.sh

java: ## what dubbofn java makes, compiled by Maven with Dubbo 3.3.6 and 2.7.23, compared with the manifest, and called
	@e2e/java.sh

rules: ## an operator's rules in Nacos and ZooKeeper, obeyed by a Go and a Java consumer side by side
	@e2e/rules.sh

seata: ## a Seata transaction from Java through a Go function to Java, both Dubbo lines at either end
	@e2e/seata.sh

newcomer: ## from an empty folder to the answer of an unchanged Java consumer, as a transcript: at most 3 commands, no edit
	@e2e/newcomer.sh

trust: ## tokens, signed calls, TLS and mTLS between Java and Go, each right and wrong in every way
	@e2e/trust.sh

churn: ## start and stop the function 20 times under a Java consumer that calls without pause
	@e2e/churn.sh

chaos: ## a Go consumer calls 1000 times a second while its providers and its registry are killed, ended and stopped
	@e2e/chaos.sh

nacos-restart: ## kill and restart Nacos 10 times under a calling Java consumer
	@e2e/nacos-restart.sh

hostile: ## send a live function what no consumer should send, while a Java consumer calls it
	@e2e/hostile.sh

cycles: ## 1000 times from zero to one and back under load, with processes killed at random: nothing is lost or run twice
	@e2e/cycles.sh
	@e2e/cycles.sh --replicas --java no --cycles 300
	@e2e/cycles.sh --replicas --cycles 300

faults: ## what sleeping functions depend on is broken, one thing after the other, under Java and Go consumers, two activators and a real Nacos
	@e2e/faults.sh

doctor-faults: ## twelve faults between a consumer and a function in a real Nacos: dubbofn doctor finds each, and what it prints mends it
	@e2e/doctor.sh

events: ## events by Knative, SDKs, NATS and Kafka, and traces read back from SkyWalking and OpenTelemetry
	@e2e/events.sh
	@e2e/brokers.sh

bench: ## everything that bench/ measures, beside dubbo-go, Java Dubbo and others, one part after the other (an hour or more; bench/run.sh -all -quick is a look)
	@bench/run.sh -all

bench-goals: ## the goals beside what the last make bench measured; fails where one is missed
	@bench/run.sh -goals

bench-scale: ## what a call costs as connections, calls in flight, payload and functions grow
	@bench/run.sh -scale

bench-outbound: ## the same for consumers: dubbofn's, dubbo-go's and Java's on one Java provider, then on a Go one
	@bench/run.sh -outbound

bench-select: ## what the choice among 100 and among 10,000 providers costs, of every balancer
	@bench/run.sh -select

bench-start: ## from exec to the first reply, beside a bare server, functions-framework-go, dubbo-go and Java Dubbo
	@bench/run.sh -start

bench-activator: ## what a call through the activator costs beside a bare POST, and what memory consumers and functions take there
	@bench/run.sh -activator

bench-warm: ## first calls to 32 providers in Nacos, of processes that have just begun: nothing kept, a snapshot, a keeper
	@e2e/nacos.sh -- bash -c 'cd ../bench && ./run.sh -warm -rounds 20 -pin=false -warm-registry nacos://$$E2E_NACOS'

bench-events: ## events over HTTP beside functions-framework-go and the CloudEvents SDK's receiver
	@bench/run.sh -events

bench-tracing: ## calls whose spans are taken, go nowhere, or are not made; then what a span costs beside go2sky's own
	@bench/run.sh -tracing
	@go test -run '^$$' -bench . -benchmem -count 3 ./tracing/skywalking

lab: ## as root: Java and events wake functions from zero on a real Kubernetes with Knative (wakes http scale rollout events; the first time builds it: 20 minutes)
	@e2e/knative/run.sh

lab-up: ## as root: a real Kubernetes with Knative Serving on this machine, to work with by hand
	@e2e/knative/build.sh
	@e2e/knative/up.sh

lab-down: ## end it
	@e2e/knative/down.sh

release: ## what a release consists of, into build/release: binaries, images, lists of modules, sums; VERSION=v1.2.3, else the last tag
	@.ci/release.sh

clean: ## remove what the build and the tests made
	rm -rf $(BUILD) e2e/run e2e/out bench/out
	find e2e bench -type d -name target -prune -exec rm -rf {} +
