// Package serve runs the demo API and the traffic on it, alone in this process
// or as a whole demo with servers and processes of its own.
//
// A demo starts this program again for the API and for the traffic, so that what
// each costs can be told apart. A main that calls [StartDemo] calls [Child]
// before anything else.
package serve
