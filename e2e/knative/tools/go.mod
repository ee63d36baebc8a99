module github.com/dubbofn/dubbofn/e2e/knative/tools

go 1.26
