package load

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	hessian "github.com/apache/dubbo-go-hessian2"

	"github.com/dubbofn/dubbofn/bench/service"
)

// Case is one method with one argument, and what a right answer to it is.
type Case struct {
	Name       string // "user"
	About      string // for people
	method     string
	descriptor string
	argument   any
	answer     any // what a provider answers, as dubbo-go-hessian2 encodes it
	check      func(value any) error
}

// user is service.User as Java consumers send it: an ArrayList is an untyped list.
type user struct {
	Id      int64 //nolint:revive // dubbo-go-hessian2 takes the Java name from it: "id"
	Name    string
	Email   string
	Age     int32
	Active  bool
	Score   float64
	Address string
	Tags    any
}

// JavaClassName gives the Java class.
func (*user) JavaClassName() string { return "org.bench.User" }

// Names are the cases' names, in the order in which they are measured.
func Names() []string {
	return append([]string{"echo", "user", "users100"}, Sizes()...)
}

// Sizes are the names of the cases that differ by their payload alone, in growing order.
func Sizes() []string {
	return []string{"bytes16", "bytes1k", "bytes16k", "bytes64k", "bytes256k", "bytes1m"}
}

// NewCase gives the case of that name. The codec that it encodes and checks with keeps its classes in the process.
func NewCase(name string) (Case, error) {
	hessian.RegisterPOJO(&user{})
	switch name {
	case "echo":
		return Case{name, "String of 16 bytes, in and out", "echo", "Ljava/lang/String;", service.Text, service.Text, same(service.Text)}, nil
	case "user":
		return Case{name, "POJO of 8 fields, in and out", "user", "Lorg/bench/User;", wire(service.Ada()),
			wire(service.Next(service.Ada())), sameUsers([]*service.User{service.Next(service.Ada())})}, nil
	case "users100":
		want := service.Sample(100)
		answer := make([]any, len(want))
		for i := range want {
			answer[i] = wire(want[i])
		}
		return Case{name, "int in, list of 100 POJOs out", "users", "I", int32(len(want)), answer, sameUsers(want)}, nil
	}
	if i := slices.Index(Sizes(), name); i >= 0 {
		return bytesCase(name, []int{16, 1 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20}[i]), nil
	}
	return Case{}, fmt.Errorf("find case: %q is none of %s", name, strings.Join(Names(), ", "))
}

func bytesCase(name string, n int) Case {
	data := service.Bytes(n)
	return Case{name, fmt.Sprintf("byte[%d], in and out", n), "bytes", "[B", data, data, func(value any) error {
		if got, ok := value.([]byte); !ok || !slices.Equal(got, data) {
			return fmt.Errorf("check reply: %d bytes that were sent did not come back", len(data))
		}
		return nil
	}}
}

func wire(u *service.User) *user {
	tags := make([]any, len(u.Tags))
	for i := range tags {
		tags[i] = u.Tags[i]
	}
	return &user{u.Id, u.Name, u.Email, u.Age, u.Active, u.Score, u.Address, tags}
}

// Request gives the frame of a call, as a Java 3.3 consumer sends it, with id 0 (bytes 4 to 11).
func (c Case) Request() ([]byte, error) {
	return Request(service.Interface, c.method, c.descriptor, c.argument)
}

// requests gives the frame for each of so many services; 0: for the one.
func (c Case) requests(services int) (all [][]byte, err error) {
	if services == 0 {
		one, err := c.Request()
		return [][]byte{one}, err
	}
	for i := range services {
		one, err := Request(service.Numbered(i), c.method, c.descriptor, c.argument)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// Request gives the frame of a call of any service's method with one argument, of no version, with id 0.
func Request(iface, method, descriptor string, argument any) ([]byte, error) {
	attachments := []string{"path", iface, "interface", iface, "version", "0.0.0", "timeout", "10000"}
	return frame(0xc2, 0, []any{"2.0.2", iface, "0.0.0", method, descriptor, argument}, attachments)
}

// Reply gives the frame of a right answer with id 0, for servers that decode nothing.
func (c Case) Reply() ([]byte, error) {
	return frame(0x02, statusOK, []any{int32(replyValueWithAttachments), c.answer}, []string{"dubbo", "2.0.2"})
}

// frame writes magic da bb, flag, status, id (8 bytes), length (4 bytes), body.
func frame(flag, status byte, values []any, attachments []string) ([]byte, error) {
	e := hessian.NewEncoder()
	for _, v := range values {
		if err := e.Encode(v); err != nil {
			return nil, fmt.Errorf("encode frame: %w", err)
		}
	}
	body := append(slices.Clone(e.Buffer()), 'H') // by hand, since the order in a Go map changes
	for _, s := range attachments {
		e := hessian.NewEncoder()
		if err := e.Encode(s); err != nil {
			return nil, fmt.Errorf("encode frame: %w", err)
		}
		body = append(body, e.Buffer()...)
	}
	body = append(body, 'Z')
	f := make([]byte, headerBytes, headerBytes+len(body))
	f[0], f[1], f[2], f[3] = 0xda, 0xbb, flag, status
	binary.BigEndian.PutUint32(f[12:], uint32(len(body)))
	return append(f, body...), nil
}
