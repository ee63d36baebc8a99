package activator

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestBatchedWritesArriveWholeAndInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		var running sync.WaitGroup
		b := newBatched(near, running.Go)
		const writers, each = 8, 500
		var all sync.WaitGroup
		for w := range uint32(writers) {
			all.Go(func() {
				for i := range uint32(each) {
					p := binary.BigEndian.AppendUint32(nil, w)
					p = binary.BigEndian.AppendUint32(p, i)
					if n, err := b.Write(append(p, bytes.Repeat([]byte{'x'}, 1000)...)); n != 1008 || err != nil {
						t.Errorf("wrote %d, %v", n, err)
					}
				}
			})
		}
		next := [writers]uint32{}
		room := make([]byte, 1008)
		for range writers * each {
			if _, err := io.ReadFull(far, room); err != nil {
				t.Fatal(err)
			}
			w, i := binary.BigEndian.Uint32(room), binary.BigEndian.Uint32(room[4:])
			if i != next[w] {
				t.Fatalf("writer %d: write %d came, want %d", w, i, next[w])
			}
			next[w]++
		}
		all.Wait()
		_ = b.Close()
		_ = b.Close()
		running.Wait()
		if _, err := b.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a write after the end: %v", err)
		}
	})
}

func TestBatchedWritesWaitForAPeerThatReadsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		var running sync.WaitGroup
		b := newBatched(near, running.Go)
		written := 0
		failed := make(chan error, 1)
		go func() {
			for {
				if _, err := b.Write(make([]byte, 64<<10)); err != nil {
					failed <- err
					return
				}
				written += 64 << 10
			}
		}()
		time.Sleep(time.Second)
		synctest.Wait()
		if written > 2*maxBatch+64<<10 {
			t.Errorf("%d bytes were taken of which none was read", written)
		}
		_ = far.Close()
		if err := <-failed; err == nil {
			t.Error("no error")
		}
		running.Wait()
		_ = b.Close()
	})
}
