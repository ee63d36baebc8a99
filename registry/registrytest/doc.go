// Package registrytest is the suite that every registry passes: what consumers of both Dubbo lines and dubbofn's own parts
// rely on. It runs against a real server as well, beside other users: each test uses names of its own.
package registrytest
