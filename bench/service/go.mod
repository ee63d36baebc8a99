module github.com/dubbofn/dubbofn/bench/service

go 1.25
