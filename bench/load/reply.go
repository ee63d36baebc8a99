package load

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"

	hessian "github.com/apache/dubbo-go-hessian2"

	"github.com/dubbofn/dubbofn/bench/service"
)

const (
	headerBytes               = 16
	statusOK                  = 20
	replyValue                = 1
	replyValueWithAttachments = 4
	leadingBytes              = 16 // of every body that are compared; what follows the value may change its order
	maxReplyBytes             = 8 << 20
)

// expected is what every reply must look like after the first has been decoded.
type expected struct {
	length  int // of the body
	leading []byte
}

// decode reads a reply's body in full and checks its value.
func (c Case) decode(body []byte) error {
	d := hessian.NewDecoder(body)
	kind, err := d.Decode()
	if err != nil {
		return fmt.Errorf("decode reply: %w", err)
	}
	if kind != int32(replyValue) && kind != int32(replyValueWithAttachments) {
		return fmt.Errorf("decode reply: kind %v is not %d or %d", kind, replyValue, replyValueWithAttachments)
	}
	value, err := d.Decode()
	if err != nil {
		return fmt.Errorf("decode reply: %w", err)
	}
	if kind == int32(replyValueWithAttachments) {
		attachments, err := d.Decode()
		if err != nil {
			return fmt.Errorf("decode reply: attachments: %w", err)
		}
		if attachments != nil && reflect.TypeOf(attachments).Kind() != reflect.Map {
			return fmt.Errorf("decode reply: attachments are a %T", attachments)
		}
	}
	return c.check(value)
}

// expect decodes the first reply, so that the others can be compared with it.
func (c Case) expect(body []byte) (expected, error) {
	if err := c.decode(body); err != nil {
		return expected{}, err
	}
	return expected{len(body), bytes.Clone(body[:min(leadingBytes, len(body))])}, nil
}

// CheckFrame decodes a reply's frame in full and checks its value.
func (c Case) CheckFrame(frame []byte) error {
	if len(frame) < headerBytes {
		return fmt.Errorf("check reply: %d bytes are no frame", len(frame))
	}
	h, err := parseHeader(frame)
	if err != nil {
		return err
	}
	if h.status != statusOK || h.length != len(frame)-headerBytes {
		return fmt.Errorf("check reply: status %d, %d bytes of %d", h.status, len(frame)-headerBytes, h.length)
	}
	return c.decode(frame[headerBytes:])
}

// header is a frame's beginning.
type header struct {
	event  bool
	status byte
	id     uint64
	length int
}

func parseHeader(b []byte) (header, error) {
	if b[0] != 0xda || b[1] != 0xbb {
		return header{}, fmt.Errorf("read reply: magic %x is not dabb", b[:2])
	}
	h := header{b[2]&0x20 != 0, b[3], binary.BigEndian.Uint64(b[4:]), int(binary.BigEndian.Uint32(b[12:]))}
	if b[2]&0x80 != 0 && !h.event {
		return h, errors.New("read reply: the frame is a request")
	}
	if h.length > maxReplyBytes {
		return h, fmt.Errorf("read reply: %d bytes are over the limit of %d", h.length, maxReplyBytes)
	}
	return h, nil
}

// check compares a reply with what is expected.
func (e expected) check(h header, body []byte) error {
	if h.status != statusOK {
		return fmt.Errorf("check reply: status %d: %q", h.status, body[:min(300, len(body))])
	}
	if h.length != e.length || !bytes.Equal(body[:len(e.leading)], e.leading) {
		return fmt.Errorf("check reply: %d bytes beginning %x; want %d beginning %x", h.length, body[:min(leadingBytes, len(body))], e.length, e.leading)
	}
	return nil
}

func same(want string) func(any) error {
	return func(value any) error {
		if value != any(want) {
			return fmt.Errorf("check reply: %q is not %q", value, want)
		}
		return nil
	}
}

// sameUsers takes one user or a list in any form that a peer sends one.
func sameUsers(want []*service.User) func(any) error {
	return func(value any) error {
		got := []any{value}
		if v := reflect.ValueOf(value); v.Kind() == reflect.Slice {
			got = got[:0]
			for i := range v.Len() {
				got = append(got, v.Index(i).Interface())
			}
		}
		if len(got) != len(want) {
			return fmt.Errorf("check reply: %d users; want %d", len(got), len(want))
		}
		for i := range got {
			if err := sameUser(got[i], want[i]); err != nil {
				return fmt.Errorf("check reply: user %d: %w", i, err)
			}
		}
		return nil
	}
}

func sameUser(value any, want *service.User) error {
	u, ok := value.(*user)
	if !ok {
		return fmt.Errorf("it is a %T", value)
	}
	got := service.User{Id: u.Id, Name: u.Name, Email: u.Email, Age: u.Age, Active: u.Active, Score: u.Score, Address: u.Address}
	tags := reflect.ValueOf(u.Tags)
	if tags.Kind() != reflect.Slice {
		return fmt.Errorf("its tags are a %T", u.Tags)
	}
	for i := range tags.Len() {
		tag, ok := tags.Index(i).Interface().(string)
		if !ok {
			return fmt.Errorf("its tag %d is a %T", i, tags.Index(i).Interface())
		}
		got.Tags = append(got.Tags, tag)
	}
	if !reflect.DeepEqual(&got, want) {
		return fmt.Errorf("%+v is not %+v", got, *want)
	}
	return nil
}
