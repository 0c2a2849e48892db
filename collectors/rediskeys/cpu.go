package rediskeys

import (
	"context"
	"strconv"
	"time"
)

// cpuClock is a reading of how long a server has worked.
type cpuClock struct {
	worked time.Duration // of its main thread, or of all where it does not tell
	at     time.Time     // zero: unknown
}

// cpuFields are those of INFO cpu: of the thread that runs commands, from Redis
// 6.2 on, and of the whole process.
func cpuFields() [2][2]string {
	return [2][2]string{
		{"used_cpu_user_main_thread", "used_cpu_sys_main_thread"},
		{"used_cpu_user", "used_cpu_sys"},
	}
}

// readCPU reads the reply to INFO cpu.
func readCPU(reply any) cpuClock {
	text, ok := reply.(string)
	if !ok {
		return cpuClock{}
	}
	for _, names := range cpuFields() {
		user, err := strconv.ParseFloat(infoField(text, names[0]), 64)
		system, err2 := strconv.ParseFloat(infoField(text, names[1]), 64)
		if err == nil && err2 == nil {
			return cpuClock{worked: time.Duration((user + system) * float64(time.Second)), at: time.Now()}
		}
	}
	return cpuClock{}
}

// meterCPU ends a round: what the server worked since its beginning, without
// what it does for others, is our doing. What others want is known from between
// the rounds. A burst makes all of it dearer and is charged by its lines.
func (w *walker) meterCPU(ctx context.Context) error {
	begun := w.head.cpu
	if begun.at.IsZero() || w.ears.bursting() || !w.inTime(ctx) {
		w.idle = cpuClock{}
		return nil
	}
	replies, err := w.gate.do(ctx, [][]string{{"info", "cpu"}})
	if err != nil {
		return err
	}
	end := readCPU(replies[0])
	if end.at.IsZero() {
		return nil
	}
	if rest := begun.at.Sub(w.idle.at); !w.idle.at.IsZero() && rest > 0 {
		others := (begun.worked - w.idle.worked).Seconds() / rest.Seconds()
		worked := (end.worked - begun.worked).Seconds() - others*end.at.Sub(begun.at).Seconds()
		w.gate.budget.measure(time.Duration(worked * float64(time.Second)))
	}
	w.idle = end
	return nil
}
