package targets

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain finds goroutines that outlive the tests. Those of the standard
// library's resolver may: a look-up that nobody waits for any more goes on until
// its server answers or its own timeout, whatever its context says.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("net.(*Resolver).goLookupIPCNAMEOrder"),
		goleak.IgnoreAnyFunction("net.(*Resolver).goLookupIPCNAMEOrder.func3.1"),
		goleak.IgnoreAnyFunction("net.(*Resolver).lookupIPAddr.func2"),
	)
}
