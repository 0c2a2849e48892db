package store

import (
	"errors"
	"sync"
)

var errClosed = errors.New("the store is closed")

// held are the things that faults have taken and not given back yet. The zero
// value is ready.
type held struct {
	mu     sync.Mutex // guards the rest
	closed bool
	last   int
	gives  map[int]func()
}

// add keeps give, which gives something back, for close; the function returned
// calls it, if nobody did so yet. After close it gives back at once and returns
// an error.
func (h *held) add(give func()) (release func(), err error) {
	give = sync.OnceFunc(give)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		give()
		return nil, errClosed
	}
	if h.gives == nil {
		h.gives = map[int]func(){}
	}
	h.last++
	id := h.last
	h.gives[id] = give
	return func() {
		give()
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.gives, id)
	}, nil
}

// close gives everything back.
func (h *held) close() {
	h.mu.Lock()
	gives := h.gives
	h.closed, h.gives = true, nil
	h.mu.Unlock()
	for _, give := range gives {
		give()
	}
}
