package limit

// Waiting is how many calls wait for a pipeline under way.
func Waiting(s *Shared) int {
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	return len(s.calls.waiting)
}
