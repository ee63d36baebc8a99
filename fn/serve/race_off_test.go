//go:build !race

package serve

// raceEnabled tells that the race detector's own memory spoils measurements.
const raceEnabled = false
