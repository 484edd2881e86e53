package record

import "slices"

// A feature is something that a host must know of an actor to run it without harm. A record names those that it needs, a
// host says in its lease which it has, and one that lacks one leaves the actor to others. So a part that hosts in use do
// not know yet can be added while they run.

// Features are those of this program, in order.
func Features() []string {
	var features []string
	for _, k := range known {
		if k.feature != "" {
			features = append(features, k.feature)
		}
	}
	slices.Sort(features)
	return features
}

// Lacks returns what a record needs that is not among the features of a host.
func (r *Record) Lacks(features []string) []string {
	var lacks []string
	for _, feature := range r.Needs {
		if !slices.Contains(features, feature) {
			lacks = append(lacks, feature)
		}
	}
	return lacks
}
