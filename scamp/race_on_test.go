//go:build race

package scamp

const raceDetector = true
