package cold

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
	"time"
)

// tick is the unit of starttime in /proc/self/stat and of /proc/uptime (proc(5): sysconf(_SC_CLK_TCK), 100 on every architecture that
// Go runs on).
const tick = 10 * time.Millisecond

// cpuTime gives the CPU time that the process has used, the exec of its program included. It goes on over an exec (getrusage(2)): what ran in the process before our program
// is in it too, in a container that is runc's own start (runc init, some 20 ms of CPU), which thus counts as the phase runtime. The kernel tells nobody when a
// program was executed.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// processStart finds out when the process began: as /proc has it, to a tick. What it used of a CPU before the first code of ours ran
// is known more exactly, and splits that time.
func processStart(began time.Time) (s start) {
	if cpu := firstMoment.cpu; cpu > 0 {
		s.runtime = began.Add(-cpu)
	}
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return s
	}
	up, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return s
	}
	at := time.Now()
	age, ok := age(stat, up)
	if !ok {
		return s
	}
	s.at, s.resolution = at.Add(-age), tick
	if latest := s.runtime; !latest.IsZero() && s.at.After(latest) { // a tick is longer than some starts
		s.at = latest
	}
	if s.at.After(began) {
		s.at = began
	}
	return s
}

// age computes how long the process has been there.
func age(stat, uptime []byte) (time.Duration, bool) {
	_, rest, ok := bytes.Cut(stat[max(bytes.LastIndexByte(stat, ')'), 0):], []byte(") ")) // the name may hold anything
	fields := bytes.Fields(rest)
	const starttime = 22 - 3 // proc(5) counts from 1, and pid and comm are cut off
	up, _, blank := bytes.Cut(uptime, []byte(" "))
	if !ok || !blank || len(fields) <= starttime {
		return 0, false
	}
	ticks, err := strconv.ParseInt(string(fields[starttime]), 10, 48)
	if err != nil {
		return 0, false
	}
	seconds, err := strconv.ParseFloat(string(up), 64)
	if err != nil || seconds < 0 || seconds > 1e9 {
		return 0, false
	}
	d := time.Duration(seconds*float64(time.Second)) - time.Duration(ticks)*tick
	return max(d, 0), true
}
