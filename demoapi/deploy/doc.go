// Package deploy holds the demo API's wider stack as files: a compose file with
// Postgres, Redis, Prometheus and its exporters, Alertmanager and Grafana, the
// rules and the dashboard that go with the demo's metrics, and the course's
// stress mix as a scenario for apitop load. Each file says at its top how to use
// it.
//
// There is no Go code but for the tests, which hold the files to what they
// promise: names and labels of metrics that the API really exposes, expressions
// that a real Prometheus takes, alerts that fire when they should and only then,
// settings that a real Postgres and a real Redis accept.
package deploy
