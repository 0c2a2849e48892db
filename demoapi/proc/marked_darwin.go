package proc

// marked lists nothing: this system does not show the environment of processes.
func marked(string) []int { return nil }
