package serve

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"sort"

	"github.com/dubbofn/dubbofn/registry"
)

// metadataV2Path is the Triple method that a Dubbo 3.3 consumer calls on an instance whose metadata says meta-v 2.0.0
// (Java: metadata_service_v2.proto; the method's name is taken with either case of its first letter, as Java's stubs do).
const metadataV2Path = "/org.apache.dubbo.metadata.MetadataServiceV2/"

// metadataV2MaxRequest bounds a MetadataRequest: one field, a revision.
const metadataV2MaxRequest = 4 << 10

// metadataV2 answers MetadataServiceV2.GetMetadataInfo over Triple (a gRPC unary call on h2c).
// The two messages are so small that writing them by hand is lighter than linking a protobuf runtime into every function.
func metadataV2(metadata func() registry.Metadata) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/grpc+proto")
		w.Header().Set("Trailer", "Grpc-Status, Grpc-Message")
		fail := func(code, why string) {
			w.Header().Set("Grpc-Status", code)
			w.Header().Set("Grpc-Message", why)
		}
		if name := r.URL.Path[len(metadataV2Path):]; name != "GetMetadataInfo" && name != "getMetadataInfo" {
			fail("12", "MetadataServiceV2 has GetMetadataInfo only")
			return
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, metadataV2MaxRequest+1))
		if err != nil || len(body) > metadataV2MaxRequest {
			fail("3", fmt.Sprintf("request is not one message of at most %d bytes", metadataV2MaxRequest))
			return
		}
		revision, err := metadataRequest(body)
		if err != nil {
			fail("3", err.Error())
			return
		}
		m := metadata()
		if revision != "" && revision != m.Revision() {
			fail("5", "revision "+revision+" is not served here; "+m.Revision()+" is")
			return
		}
		msg := metadataInfoV2(m)
		frame := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(msg)))
		if _, err := w.Write(append(frame, msg...)); err == nil {
			fail("0", "")
		}
	})
}

// metadataRequest reads the gRPC frame of a MetadataRequest and gives its field 1, revision.
func metadataRequest(b []byte) (string, error) {
	if len(b) < 5 || b[0] != 0 || int64(binary.BigEndian.Uint32(b[1:])) != int64(len(b)-5) {
		return "", fmt.Errorf("read metadata request: not one uncompressed message")
	}
	b = b[5:]
	revision := ""
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		if n <= 0 {
			return "", fmt.Errorf("read metadata request: bad field tag")
		}
		if tag&7 != 2 {
			return "", fmt.Errorf("read metadata request: field %d is not a string", tag>>3)
		}
		b = b[n:]
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return "", fmt.Errorf("read metadata request: a field is longer than the message")
		}
		if tag>>3 == 1 {
			revision = string(b[n : n+int(size)])
		}
		b = b[n+int(size):]
	}
	return revision, nil
}

// metadataInfoV2 writes MetadataInfoV2{app=1, version=2, services=3} in a stable order.
func metadataInfoV2(m registry.Metadata) []byte {
	b := protoString(nil, 1, m.App)
	b = protoString(b, 2, m.Revision())
	for _, s := range m.Published() {
		b = protoBytes(b, 3, protoBytes(protoString(nil, 1, s.Key()), 2, serviceInfoV2(s)))
	}
	return b
}

// serviceInfoV2 writes ServiceInfoV2{name=1, group=2, version=3, protocol=4, port=5, path=6, params=7}. The port is 0 and so left out.
func serviceInfoV2(s registry.Service) []byte {
	b := protoString(nil, 1, s.Name)
	b = protoString(b, 2, s.Group)
	b = protoString(b, 3, s.Version)
	b = protoString(b, 4, s.Protocol)
	b = protoString(b, 6, s.Path)
	keys := make([]string, 0, len(s.Params))
	for k := range s.Params {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		b = protoBytes(b, 7, protoString(protoString(nil, 1, k), 2, s.Params[k]))
	}
	return b
}

func protoString(b []byte, field int, s string) []byte {
	if s == "" {
		return b
	}
	return protoBytes(b, field, []byte(s))
}

func protoBytes(b []byte, field int, v []byte) []byte {
	b = binary.AppendUvarint(b, uint64(field)<<3|2)
	b = binary.AppendUvarint(b, uint64(len(v)))
	return append(b, v...)
}
