// Package demoapi is a small shop behind an HTTP API, made to be watched: its
// answers are cached in Redis, its callers are limited per tier, its data lies
// in Postgres, and it says all about itself under /metrics.
//
//	GET  /health            is it ready for requests; as /health/ready
//	GET  /health/live       does it run at all
//	GET  /health/ready      503 while it shuts down or without a database
//	GET  /products          ?category=3&after=120&limit=20
//	GET  /products/{id}
//	POST /products/search   {"query":"oak desk","limit":20}
//	GET  /categories
//	GET  /users/me          needs a token
//	POST /orders            {"items":[{"product_id":42,"quantity":1}]}, needs a token
//	GET  /orders/{id}       needs a token
//	POST /auth/login        {"username":"basic1","password":"apitop-demo"}
//	GET  /metrics           neither limited nor counted
//	     /demo/faults       switches for what can go wrong; for callers on this machine
//
// Probes of health are not limited. A trailing slash makes no difference. HEAD
// goes wherever GET does.
//
// # Orders
//
// POST /orders answers 201 as soon as the order is stored and its pieces are
// taken out of stock. It is "pending" then and waits in a bounded queue, where
// a worker has it paid for. After that it is "confirmed", or "failed" with its
// pieces back in stock; by design of the demo that befalls every fiftieth. With
// the queue full no order is made. Orders that are pending when the process
// ends are taken up by the next one.
//
// # Errors
//
// Errors are RFC 9457 problems with the request's id. Wrong fields are listed
// one by one.
//
//	400  the body is no JSON, or the URL's query no query
//	401  no token, a bad one, or a wrong password
//	404  no such path, or nothing with that id
//	405  the path has other methods, listed in Allow
//	408  the body did not arrive in time
//	409  not enough in stock
//	413  the body is longer than 64 KB
//	415  the body is not called application/json
//	422  a field is not valid            429  a quota is used up: Retry-After says for how long
//	499  the client went away; only the log sees it
//	500  our fault; the log has the cause
//	503  the database does not answer, the queue is full, or the end is near; Retry-After
package demoapi
