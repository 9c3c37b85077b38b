package sandbox

import (
	"errors"
	"fmt"
	"math/rand/v2"
)

// Mutation is one thing that Trickle did.
type Mutation struct {
	What   string // such as "moved to another stage"
	Object string // as the simulator lists its objects
	ID     string // of the record that changed first
}

// ErrNothing says that an account holds nothing to which a change applies.
var ErrNothing = errors.New("the account holds nothing to change: generate or seed it first")

// Trickle makes n changes, each of a kind that is picked by its weight: do makes one
// of the kind with that index. Kinds that find nothing to work on (ErrNothing) give
// way to others. It returns what was done, also beside an error.
func Trickle(rng *rand.Rand, n int, weights []int, do func(kind int) (Mutation, error)) ([]Mutation, error) {
	done := make([]Mutation, 0, n)
	for len(done) < n {
		m, err := oneOf(rng, weights, do)
		if err != nil {
			return done, fmt.Errorf("live change %d of %d: %w", len(done)+1, n, err)
		}
		done = append(done, m)
	}
	return done, nil
}

func oneOf(rng *rand.Rand, weights []int, do func(kind int) (Mutation, error)) (Mutation, error) {
	const tries = 200
	for range tries {
		m, err := do(pick(rng, weights))
		if !errors.Is(err, ErrNothing) {
			return m, err
		}
	}
	return Mutation{}, ErrNothing
}

// pick returns an index, the likelier the more it weighs.
func pick(rng *rand.Rand, weights []int) int {
	total := 0
	for _, w := range weights {
		total += w
	}
	n := rng.IntN(total)
	for i, w := range weights {
		if n -= w; n < 0 {
			return i
		}
	}
	return len(weights) - 1
}
