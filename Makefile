# apitop: see README.md. Every target works on a fresh machine that has Go.

GO      ?= go
BIN     := bin
COMMIT  := $(shell git rev-parse --short=12 HEAD 2>/dev/null)
LDFLAGS := -s -w -X apitop/cmd/internal/build.commit=$(COMMIT)
TESTENV := TZ=UTC
LINT    := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUZZTIME ?= 10s

.DEFAULT_GOAL := help
.PHONY: help demo test build lint race bench golden fuzz clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: build ## start a private API with its own Redis, Postgres and traffic, and watch it
	@$(BIN)/apitop demo

test: ## run all tests; says which were left out for want of a server
	@$(TESTENV) GO="$(GO)" sh .ci/test

build: ## build bin/apitop and bin/demoapi
	@mkdir -p $(BIN)
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN)/ ./cmd/apitop ./cmd/demoapi

lint: ## gofmt, go vet and golangci-lint
	@test -z "$$(gofmt -l cmd collectors demoapi tui)" || { gofmt -l cmd collectors demoapi tui; echo "not gofmt clean"; exit 1; }
	$(GO) vet ./...
	cd collectors/scrape/rivals && $(GO) vet ./...
	@if command -v golangci-lint >/dev/null; then golangci-lint run ./...; else $(GO) run $(LINT) run ./...; fi

race: ## run all tests with the race detector
	@$(TESTENV) GO="$(GO)" sh .ci/test -race

bench: ## run all benchmarks, and those against other parsers
	$(TESTENV) $(GO) test -run '^$$' -bench . -benchmem ./...
	cd collectors/scrape/rivals && $(TESTENV) $(GO) test -run '^$$' -bench . -benchtime 10x ./...

golden: ## write the golden screens anew; look at the difference before you commit it
	$(TESTENV) $(GO) test ./tui/... -run Golden -update

fuzz: ## run each fuzz target for FUZZTIME (10s)
	@for pkg in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "$$pkg $$target"; \
	    $(TESTENV) $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x $$pkg || exit 1; \
	  done; \
	done

clean: ## remove what build made
	rm -rf $(BIN)
