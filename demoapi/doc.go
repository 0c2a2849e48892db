// Package demoapi is a small shop behind an HTTP API, made to be watched: its
// answers are cached in Redis, its callers are limited per tier, its data lies
// in Postgres, and it says all about itself under /metrics.
//
//	GET  /health            is it ready; not limited
//	GET  /products          ?category=3&after=120&limit=20
//	GET  /products/{id}
//	POST /products/search   {"query":"oak desk","limit":20}
//	GET  /categories
//	GET  /users/me          needs a token
//	POST /orders            {"items":[{"product_id":42,"quantity":1}]}, needs a token
//	GET  /orders/{id}       needs a token
//	POST /auth/login        {"username":"basic1","password":"apitop-demo"}
//	GET  /metrics           neither limited nor counted
//
// Errors are RFC 9457 problems. A trailing slash makes no difference.
package demoapi
