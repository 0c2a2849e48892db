//go:build !linux

package load

import "errors"

// newFineAlarm has no system call to use here.
func newFineAlarm() (alarm, error) { return nil, errors.ErrUnsupported }
