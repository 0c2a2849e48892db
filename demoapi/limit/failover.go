package limit

import (
	"context"
	"fmt"

	"apitop/demoapi/rdb"
)

// FailureObserver is told why a decision had to be made without Redis; reason is
// one of [rdb.Reasons].
type FailureObserver interface {
	LimiterFailed(reason string)
}

// Failover lets a first limiter decide, and a second one when the first cannot:
// a request is limited even while Redis is down. The second one knows nothing of
// what the first has counted, so each subject begins anew there.
//
// It is safe for concurrent use if its parts are.
type Failover struct {
	first, second Limiter
	observer      FailureObserver
}

// NewFailover returns first, backed by second, which should be a [Local].
func NewFailover(first, second Limiter, o FailureObserver) *Failover {
	return &Failover{first: first, second: second, observer: o}
}

// Allow decides on r as the first limiter does, else as the second. It takes no
// longer than the first one's time limit. A caller that went away gets no
// decision.
func (f *Failover) Allow(ctx context.Context, r Request) (Result, error) {
	res, err := f.first.Allow(ctx, r)
	if err == nil {
		return res, nil
	}
	if ctx.Err() != nil {
		return Result{}, err
	}
	f.observer.LimiterFailed(rdb.Reason(err))
	res, err = f.second.Allow(ctx, r)
	if err != nil {
		return Result{}, fmt.Errorf("limit: without Redis: %w", err)
	}
	return res, nil
}
