package hessian2lib_test

import (
	"fmt"
	"reflect"

	"github.com/dubbofn/dubbofn/invoker/dubbo/hessian2lib"
)

type greeting struct{ Name string }

func (greeting) JavaClassName() string { return "org.example.Greeting" }

func Example() {
	if err := hessian2lib.Register("org.example.Greeting", greeting{}); err != nil {
		fmt.Println(err)
		return
	}
	var codec hessian2lib.Codec
	body, err := codec.Encode(nil, []any{&greeting{Name: "Ada"}, int32(3)})
	if err != nil {
		fmt.Println(err)
		return
	}
	values, err := codec.Decode(body, []reflect.Type{reflect.TypeFor[greeting](), reflect.TypeFor[int64]()})
	fmt.Println(values, err)
	_, err = codec.Decode([]byte{0x58, 'I', 0x10, 0, 0, 0}, []reflect.Type{reflect.TypeFor[any]()})
	fmt.Println(err)
	// Output:
	// [{Ada} 3] <nil>
	// scan: byte 0: 268435456 values, but 0 bytes left
}
