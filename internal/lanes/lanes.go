// Package lanes runs jobs side by side within a limit, and those of one key one after the other, in the order in which they came.
package lanes

import "sync"

// Lanes is made with [New]. Its methods may be called at any time by anyone.
type Lanes struct {
	slots   chan struct{}
	running sync.WaitGroup

	mu    sync.Mutex
	queue map[string][]func() // what waits behind the job of its key that runs now; a key without any such job is not here
}

// New gives lanes in which at most limit jobs are between [Lanes.Enter] and [Lanes.Leave] at once.
func New(limit int) *Lanes {
	return &Lanes{slots: make(chan struct{}, limit), queue: map[string][]func(){}}
}

// Add runs job in a goroutine: at once where key is empty or no other job of it is there, else behind those that came before. It never waits; how
// much is added at once is its caller's to bound.
func (l *Lanes) Add(key string, job func()) {
	l.running.Add(1)
	if key == "" {
		go func() {
			defer l.running.Done()
			job()
		}()
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if waiting, busy := l.queue[key]; busy {
		l.queue[key] = append(waiting, job)
		return
	}
	l.queue[key] = nil
	go l.drive(key, job)
}

func (l *Lanes) drive(key string, job func()) {
	for job != nil {
		job()
		job = l.next(key)
		l.running.Done()
	}
}

func (l *Lanes) next(key string) func() {
	l.mu.Lock()
	defer l.mu.Unlock()
	waiting := l.queue[key]
	if len(waiting) == 0 {
		delete(l.queue, key)
		return nil
	}
	l.queue[key] = waiting[1:]
	return waiting[0]
}

// Enter waits for one of the limit's places. False: stop or drop was closed first, and there is nothing to leave. Either may be nil.
func (l *Lanes) Enter(stop, drop <-chan struct{}) bool {
	select {
	case <-stop:
		return false
	case <-drop:
		return false
	default:
	}
	select {
	case l.slots <- struct{}{}:
		return true
	case <-stop:
		return false
	case <-drop:
		return false
	}
}

// Leave gives the place back.
func (l *Lanes) Leave() { <-l.slots }

// Wait returns when every job that was added has run. Nothing may be added meanwhile.
func (l *Lanes) Wait() { l.running.Wait() }
