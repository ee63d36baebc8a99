package peer

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/dubbofn/dubbofn/bench/service/measure"
)

func listen(address string) (status int) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return 1
	}
	defer l.Close()
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return 1
	}
	return 0
}

// answer answers plans as consumers do, with what was asked for.
func answer(address string) (status int) {
	fmt.Println("what frameworks say while they start")
	if address == "127.0.0.1:1" {
		return 1
	}
	fmt.Println("{}")
	plans, answers := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var p measure.Plan
		if err := plans.Decode(&p); err != nil {
			return 0
		}
		a := measure.Answer{Outcome: measure.Outcome{Calls: uint64(p.MaxCalls)}}
		switch p.Case {
		case "wrong":
			a.Error, status = "no such case at "+address, 1
		case "silence":
			continue
		}
		if err := answers.Encode(a); err != nil || status != 0 {
			return status
		}
	}
}
