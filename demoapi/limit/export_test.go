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
