package load

import (
	"math"
	"math/rand/v2"
	"sort"
)

// zipf draws ranks 0..n-1 with a probability proportional to 1/(rank+1)^s, for
// any s >= 0. (The generators of math/rand need s > 1, while real traffic has
// about 0.99.)
type zipf struct {
	n    int
	upTo []float64 // upTo[k] is the probability of a rank <= k; nil: all alike
}

func newZipf(n int, s float64) zipf {
	z := zipf{n: n}
	if s == 0 {
		return z
	}
	z.upTo = make([]float64, n)
	sum := 0.0
	for k := range z.upTo {
		sum += math.Pow(float64(k+1), -s)
		z.upTo[k] = sum
	}
	for k := range z.upTo {
		z.upTo[k] /= sum
	}
	return z
}

// draw takes O(log n).
func (z zipf) draw(rng *rand.Rand) int {
	if z.upTo == nil {
		return rng.IntN(z.n)
	}
	k := sort.SearchFloat64s(z.upTo, rng.Float64())
	return min(k, z.n-1) // the last sum may be a little less than 1
}
