package redislive

import (
	"context"
	"time"

	"apitop/collectors/redisconn"
)

// Limits end a [Burst], whichever comes first. A zero field is the default.
type Limits struct {
	Lines int           // 2,000 of others, and four times that with our own
	Bytes int           // 1 MiB, of what comes over the network
	Time  time.Duration // 1 s
}

const (
	mostLine  = 16 << 10 // bytes of a line that are looked at: its keys come first
	fewLines  = 100      // make a sample too small to trust
	withOwn   = 4        // times as many lines as of others
	mostKeys  = 1024     // that a sample gives
	mostNamed = 64       // commands and clients that a sample gives
)

func (l Limits) orDefault() Limits {
	if l.Lines <= 0 {
		l.Lines = 2000
	}
	if l.Bytes <= 0 {
		l.Bytes = 1 << 20
	}
	if l.Time <= 0 {
		l.Time = time.Second
	}
	return l
}

// What can end a burst.
const (
	cutLines = "lines"
	cutBytes = "bytes"
	cutTime  = "time"
)

// Burst listens to all commands of a node for a moment and counts which keys of
// the connection's database they use. Our own commands are left out, as are
// those of transactions that were not run. A cancelled ctx is an error; any other
// end of the moment is not.
//
// While it lasts the server spends about 2 µs more on each command. It is closed
// at once after its last line, since a server keeps for a listener what it could
// not send yet, without a limit.
func Burst(ctx context.Context, conn *redisconn.Conn, lim Limits) (Sample, error) {
	lim = lim.orDefault()
	raw, err := conn.Raw(ctx, 2)
	if err != nil {
		return Sample{}, err
	}
	defer raw.Close()
	defer context.AfterFunc(ctx, func() { _ = raw.Close() })()
	raw.SetLimit(lim.Bytes)
	if err := begin(ctx, raw, "monitor"); err != nil {
		return Sample{}, err
	}
	b := burst{counter: newCounter(conn.DB()), lim: lim, start: time.Now()}
	if err := b.listen(raw); err != nil && ctx.Err() != nil {
		return Sample{}, ctx.Err()
	} else if err != nil {
		return Sample{}, err
	}
	_ = raw.Close() // before anything is worked out
	return b.sample(), nil
}

// lines are read one after another; a [redisconn.Raw] has them.
type lines interface {
	ReadLine(max int) (line []byte, cut bool, err error)
	SetDeadline(t time.Time)
	Spent() bool // the limit of bytes was reached
}

// burst is one moment of listening.
type burst struct {
	*counter
	lim         Limits
	start       time.Time
	first, last moment // lines
	ended       time.Time
	cut         string
}

// moment is when a line came: by the server's clock and by ours.
type moment struct {
	micros int64
	at     time.Time
}

// listen reads lines until a limit is reached. A read that ends before that is a
// failure.
func (b *burst) listen(from lines) error {
	end := b.start.Add(b.lim.Time)
	from.SetDeadline(end)
	for {
		text, cut, err := from.ReadLine(mostLine)
		now := time.Now()
		if err == nil || len(text) > 0 && from.Spent() {
			b.take(text, cut, now) // or the beginning of one with a long value
		}
		switch {
		case err == nil && (b.heard-b.own >= b.lim.Lines || b.heard >= withOwn*b.lim.Lines):
			b.cut = cutLines
		case from.Spent():
			b.cut = cutBytes
		case err == nil && now.Before(end):
			continue
		case err != nil && now.Before(end):
			return err
		default:
			b.cut = cutTime
		}
		b.ended = now
		return nil
	}
}

// take takes a line that came at now.
func (b *burst) take(text []byte, cut bool, now time.Time) {
	if !b.counter.take(text, cut) {
		return
	}
	b.last = moment{b.line.micros, now}
	if b.first.at.IsZero() {
		b.first = b.last
	}
}

// span is the time that the lines cover. Of many lines it is that from the first
// to the last by the server's clock, plus one gap. A moment that ended by its
// time may have had none for a while; then our own clock counts, without the
// time that lines had to wait for us.
func (b *burst) span() time.Duration {
	stamps := time.Duration(b.last.micros-b.first.micros) * time.Microsecond
	n := time.Duration(b.heard)
	if n > 1 && stamps > 0 {
		stamps += stamps / (n - 1)
	}
	if b.cut != cutTime && n >= fewLines && stamps > 0 {
		return stamps
	}
	waited := max(b.last.at.Sub(b.first.at)-time.Duration(b.last.micros-b.first.micros)*time.Microsecond, 0)
	return max(b.ended.Sub(b.start)-waited, stamps, time.Millisecond)
}
