//go:build race

package actorhost_test

// testsAtOnce is how many tests run beside each other for each processor: with the race detector they compute more than they wait.
const testsAtOnce = 1
