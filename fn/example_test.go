package fn_test

import (
	"context"
	"fmt"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/invoker"
)

type GreetRequest struct {
	Name, Language string
}

type GreetReply struct {
	Message, ServedBy string
}

func Greet(_ context.Context, req *GreetRequest) (*GreetReply, error) {
	return &GreetReply{Message: "Hello, " + req.Name + "!", ServedBy: "dubbofn"}, nil
}

func ExampleNewService() {
	service := fn.NewService("org.example.GreetService",
		fn.Method("greet", Greet, fn.Idempotent),
		fn.Method("hello", func(name string) (string, error) { return "Hello, " + name + "!", nil }))

	set, err := fn.NewSet("greet", service)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range set.Describe().Services[0].Methods {
		fmt.Println(m.Result, m.Name, m.Parameters, "retries", m.Retries)
	}
	// Output:
	// org.example.GreetReply greet [org.example.GreetRequest] retries 2
	// java.lang.String hello [java.lang.String] retries 0
}

func ExampleNewSet_faults() {
	_, err := fn.NewSet("greet", fn.NewService("org.example.GreetService",
		fn.Method("greet", func(name string) string { return name }),
		fn.Method("stop", func() {})))
	fmt.Println(err)
	// Output:
	// org.example.GreetService: method "greet" (fn_test.ExampleNewSet_faults.func1): it returns string and no error: want (string, error)
	// org.example.GreetService: method "stop" (fn_test.ExampleNewSet_faults.func2): it returns no error: want … error
}

// Clock's methods are methods of the Java interface: now, and day under a name of its own.
type Clock struct{}

func (Clock) Now() (int64, error)                { return 0, nil }
func (Clock) DayOf(millis int64) (string, error) { return fmt.Sprint(millis / 86_400_000), nil }

func ExampleStruct() {
	set, err := fn.NewSet("clock", fn.NewService("org.example.Clock", fn.Struct(Clock{}, fn.Rename("DayOf", "day"))))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range set.Describe().Services[0].Methods {
		fmt.Println(m.Name, m.Parameters)
	}
	// Output:
	// day [long]
	// now []
}

func ExampleUse() {
	logged := func(next invoker.Invoker) invoker.Invoker {
		return invoker.Func(func(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error) {
			fmt.Println("call", inv.Method)
			return next.Invoke(ctx, inv)
		})
	}
	set, err := fn.NewSet("greet", fn.NewService("org.example.GreetService", fn.Use(logged), fn.Method("greet", Greet)))
	if err != nil {
		fmt.Println(err)
		return
	}
	greet, _, err := set.Lookup([]byte("org.example.GreetService"), nil, []byte("greet"), []byte("Lorg/example/GreetRequest;"))
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := greet.Invoke(context.Background(), &invoker.Invocation{Method: "greet", Args: []any{&GreetRequest{Name: "Ann"}}})
	if reply, ok := res.Value.(*GreetReply); ok {
		fmt.Println(reply.Message, err)
	}
	// Output:
	// call greet
	// Hello, Ann! <nil>
}
