package main

import "slices"

// middle is the median of what f tells of each.
func middle[T any](all []T, f func(T) float64) float64 {
	values := make([]float64, len(all))
	for i := range all {
		values[i] = f(all[i])
	}
	slices.Sort(values)
	return values[len(values)/2]
}
