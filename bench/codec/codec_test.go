package codec

import (
	"testing"

	hessian "github.com/apache/dubbo-go-hessian2"

	"github.com/dubbofn/dubbofn/bench/service"
)

func TestX(t *testing.T) {
	e := hessian.NewEncoder()
	e.Encode(service.Ada())
	t.Log(len(e.Buffer()))
	t.Logf("%q", e.Buffer())
}
