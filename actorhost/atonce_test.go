//go:build !race

package actorhost_test

// testsAtOnce is how many tests run beside each other for each processor.
const testsAtOnce = 2
