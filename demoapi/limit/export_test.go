package limit

// Pipelines may be under way at a time, with BatchMost calls each.
const (
	Pipelines = pipelines
	BatchMost = batchMost
)

// Waiting is how many calls wait for a pipeline under way.
func Waiting(s *Shared) int {
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	return len(s.calls.waiting)
}

// Together decides on requests in one batch, in their order.
func Together(s *Shared, requests []Request) ([]Result, []error) {
	var b batch
	for i := range requests {
		c := &call{}
		s.prepare(c, &requests[i])
		b.calls = append(b.calls, c)
	}
	s.calls.run(&b)
	var results []Result
	var errs []error
	for i, c := range b.calls {
		results, errs = append(results, c.outcome.result(&requests[i])), append(errs, c.err)
	}
	return results, errs
}
