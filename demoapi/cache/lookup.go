package cache

// Result says how a lookup ended.
type Result string

// The results.
const (
	Hit      Result = "hit"      // a fresh value was there
	Stale    Result = "stale"    // an old value was there; it is being refreshed in the background
	Miss     Result = "miss"     // nothing was there: the lookup waited for a load, or made it
	Negative Result = "negative" // it was there that the source has no such thing
)

// Layer says who answered a lookup.
type Layer string

// The layers.
const (
	LayerL1    Layer = "l1"    // the memory of this process
	LayerRedis Layer = "redis" // Redis
	LayerStore Layer = "store" // the source, or an attempt to ask it
)

// Lookup is how a [Cache.Get] went. A miss that Redis answered was loaded by
// another process while this one waited.
type Lookup struct {
	Result Result
	Layer  Layer
}

// Lookups are all values that a [Cache.Get] can return.
func Lookups() []Lookup {
	return []Lookup{
		{Hit, LayerL1}, {Negative, LayerL1},
		{Hit, LayerRedis}, {Stale, LayerRedis}, {Miss, LayerRedis}, {Negative, LayerRedis},
		{Miss, LayerStore},
	}
}
