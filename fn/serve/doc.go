// Package serve runs Go functions as a Dubbo provider: it reads the environment, opens the listeners, registers, reports
// readiness, and drains on SIGTERM. It is the composition root of a function's process.
//
//	func main() {
//		serve.Main(fn.NewService("org.example.GreetService", fn.Method("greet", Greet)), nacos.Registry)
//	}
//
// It links only what a function on Knative needs: the Dubbo wire, fn, and the embedded registry. What weighs more (Nacos, getty …)
// is a value handed to [Main]. Every setting comes from the environment; [Config] is the whole list.
package serve
