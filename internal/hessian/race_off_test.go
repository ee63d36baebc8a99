//go:build !race

package hessian_test

// raceEnabled tells that the race detector is at work, whose own memory spoils measurements.
const raceEnabled = false
