//go:build race

package conformance

// RaceDetector says whether the race detector looks on.
const RaceDetector = true
