package dubbo

import (
	"testing"
	"time"
)

func TestServerQueuesNoHeartbeatsForAConsumerThatReadsNothing(t *testing.T) {
	t.Parallel()
	const limit = 64 << 10
	s, address := serve(t, newTestProvider(), ServerConfig{QueueBytes: limit})
	c := dialPeer(t, address)
	beats := make([]byte, 0, 1000*(headerBytes+1))
	for id := range uint64(1000) {
		beats = appendEvent(beats, flagRequest|flagTwoWay|serializationHess2, 0, id, eventHeartbeat)
	}
	most := 0
	_ = c.nc.SetWriteDeadline(time.Now().Add(patience))
	for range 2000 { // more than what the sockets of both ends hold
		if _, err := c.nc.Write(beats); err != nil {
			t.Fatal(err)
		}
		s.mu.Lock()
		for sv := range s.serving {
			sv.mu.Lock()
			for conn := range sv.conns {
				conn.w.mu.Lock()
				most = max(most, conn.w.queued)
				conn.w.mu.Unlock()
			}
			sv.mu.Unlock()
		}
		s.mu.Unlock()
	}
	if most > 2*limit {
		t.Errorf("%d bytes of answers were queued (limit %d)", most, limit)
	}
}
