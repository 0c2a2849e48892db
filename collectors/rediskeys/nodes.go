package rediskeys

import (
	"slices"

	"apitop/collectors/snapshot"
)

// excuse notes the nodes that failed while others did not, which is no failure: a
// failing source is asked more seldom. When all failed it gives the first error.
// There is one for each walker.
func (c *Collector) excuse(errs []error) error {
	c.failed = nil
	if !slices.Contains(errs, nil) {
		return errs[0]
	}
	for i, err := range errs {
		if err != nil {
			c.failed = append(c.failed, snapshot.NodeNote(c.walkers[i].node, err))
		}
	}
	return nil
}
