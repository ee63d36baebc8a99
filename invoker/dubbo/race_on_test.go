//go:build race

package dubbo

// raceEnabled tells that the race detector's own memory spoils measurements.
const raceEnabled = true
