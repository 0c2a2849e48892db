package theme

// mono uses attributes only. Good, Warn and Bad must differ without colour,
// though screens also show them by a character.
func mono() *[count]look {
	return &[count]look{
		Dim:       {attr: faint},
		Strong:    {attr: bold},
		Title:     {attr: bold},
		Header:    {attr: bold | under},
		Border:    {attr: faint},
		Key:       {attr: bold},
		Accent:    {attr: under},
		Tab:       {attr: faint},
		TabActive: {attr: bold | reverse},
		Match:     {attr: bold | under},
		Input:     {attr: under},
		Warn:      {attr: under},
		Bad:       {attr: bold},
		Critical:  {attr: bold | reverse},
		Paused:    {attr: reverse},
		Live:      {attr: bold | under},
		Grid:      {attr: faint},
		Threshold: {attr: under},
		Mark:      {attr: bold},
		Gauge:     {attr: bold},
		Track:     {attr: faint},
		Series2:   {attr: bold},
		Series3:   {attr: faint},
		Series4:   {attr: under},
		Heat0:     {attr: faint},
		Heat1:     {attr: faint},
		Heat6:     {attr: bold},
		Heat7:     {attr: bold},
	}
}

// ansi16 uses the sixteen colours of the terminal's palette, so it follows what
// the user set. Bright black (8) is the background in some palettes and is not
// used for text that must be read.
func ansi16() *[count]look {
	return &[count]look{
		Dim:       {attr: faint},
		Strong:    {attr: bold},
		Title:     {fg: "6", attr: bold},
		Header:    {attr: bold | under},
		Border:    {fg: "4", attr: faint},
		Label:     {fg: "6"},
		Key:       {fg: "3", attr: bold},
		Accent:    {fg: "5"},
		Tab:       {attr: faint},
		TabActive: {fg: "6", attr: bold | reverse},
		Match:     {fg: "3", attr: bold | under},
		Input:     {attr: under},
		Good:      {fg: "2"},
		Warn:      {fg: "3"},
		Bad:       {fg: "1", attr: bold},
		Critical:  {fg: "15", bg: "1", attr: bold},
		Paused:    {fg: "0", bg: "3", attr: bold},
		Live:      {fg: "0", bg: "2", attr: bold},
		Grid:      {attr: faint},
		Threshold: {fg: "1"},
		Mark:      {fg: "5", attr: bold},
		Gauge:     {fg: "2"},
		Track:     {attr: faint},
		Series1:   {fg: "6"},
		Series2:   {fg: "3"},
		Series3:   {fg: "5"},
		Series4:   {fg: "2"},
		Heat0:     {fg: "4", attr: faint},
		Heat1:     {fg: "4"},
		Heat2:     {fg: "6"},
		Heat3:     {fg: "2"},
		Heat4:     {fg: "3"},
		Heat5:     {fg: "3", attr: bold},
		Heat6:     {fg: "1"},
		Heat7:     {fg: "1", attr: bold},
	}
}

// palette is what a theme of own colours is made of.
type palette struct {
	dim, border, label, title, key, accent string
	good, warn, bad                        string
	ink                                    string // text on the background of a badge
	series                                 [4]string
	heat                                   [8]string
}

// looks lays the colours of p on the looks; all such themes agree on it.
func (p palette) looks() *[count]look {
	t := &[count]look{
		Dim:       {fg: p.dim},
		Strong:    {attr: bold},
		Title:     {fg: p.title, attr: bold},
		Header:    {fg: p.title, attr: under},
		Border:    {fg: p.border},
		Label:     {fg: p.label},
		Key:       {fg: p.key, attr: bold},
		Accent:    {fg: p.accent},
		Tab:       {fg: p.dim},
		TabActive: {fg: p.ink, bg: p.title, attr: bold},
		Match:     {fg: p.key, attr: bold | under},
		Input:     {attr: under},
		Good:      {fg: p.good},
		Warn:      {fg: p.warn},
		Bad:       {fg: p.bad, attr: bold},
		Critical:  {fg: p.ink, bg: p.bad, attr: bold},
		Paused:    {fg: p.ink, bg: p.warn, attr: bold},
		Live:      {fg: p.ink, bg: p.good, attr: bold},
		Grid:      {fg: p.border},
		Threshold: {fg: p.bad},
		Mark:      {fg: p.accent, attr: bold},
		Gauge:     {fg: p.good},
		Track:     {fg: p.border},
	}
	for i, c := range p.series {
		t[Series(i)] = look{fg: c}
	}
	for i, c := range p.heat {
		t[int(Heat0)+i] = look{fg: c}
	}
	return t
}

// dark is for dark backgrounds.
func dark() *[count]look {
	return palette{
		dim: "#8b93a1", border: "#5b6472", label: "#a9b7c6", title: "#7cc7ff", key: "#ffd479", accent: "#d6a6ff",
		good: "#7ddc8a", warn: "#ffc857", bad: "#ff7b72", ink: "#10141a",
		series: [4]string{"#6cb6ff", "#ffb454", "#d6a6ff", "#7ddc8a"},
		heat:   [8]string{"#33415c", "#35608d", "#2f818b", "#3aa182", "#7fc25e", "#d4c94a", "#f59b3c", "#ff5f56"},
	}.looks()
}

// light is for light backgrounds: every colour has a contrast of 4.5 or more
// against white, except what may be overlooked.
func light() *[count]look {
	return palette{
		dim: "#6a717c", border: "#9aa2ad", label: "#3d4a5c", title: "#0b5cad", key: "#8a4b00", accent: "#7a2fb3",
		good: "#1a7431", warn: "#8a5a00", bad: "#b3201c", ink: "#ffffff",
		series: [4]string{"#0b62b8", "#a34e00", "#7a2fb3", "#1a7431"},
		heat:   [8]string{"#c3cad4", "#9fb4d4", "#6f9bd0", "#4380bd", "#7a6aa8", "#a2508a", "#b93a5b", "#a80f1f"},
	}.looks()
}

// colourblind tells good from bad by blue against orange, in the colours of
// Okabe and Ito (2008), which people with any of the common colour deficiencies
// tell apart; the heat steps rise in brightness alone, from the map "cividis".
func colourblind() *[count]look {
	return palette{
		dim: "#8b93a1", border: "#5b6472", label: "#a9b7c6", title: "#56b4e9", key: "#f0e442", accent: "#cc79a7",
		good: "#56b4e9", warn: "#f0e442", bad: "#e69f00", ink: "#000000",
		series: [4]string{"#56b4e9", "#e69f00", "#cc79a7", "#009e73"},
		heat:   [8]string{"#00346e", "#31446b", "#4e576c", "#696970", "#858575", "#a59c74", "#c8b866", "#fde737"},
	}.looks()
}
