package snapshot

// Targets says how many metrics pages were found where they are announced: in
// DNS, in files. The pages themselves are sources of their own.
type Targets struct {
	Found int
}

func (t *Targets) addTo(*Snapshot) {} // only its facts are of interest

// Facts implements [Reading].
func (t *Targets) Facts() []Fact { return []Fact{{"targets", t.Found}} }
