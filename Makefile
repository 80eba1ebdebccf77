# Every target has one sentence; `make` prints them.

FUZZTIME ?= 30s
JOTKEEPER_BROWSE ?= 5m
JOTKEEPER_KILLS ?= 200
JOTKEEPER_SIM ?= 200
JOTKEEPER_SOAK ?= 60s
JOTKEEPER_TOWN ?= 6
SEEDED ?=
SEEDED_SLICE ?=

.PHONY: help
help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/jotkeeper, one static file
	CGO_ENABLED=0 go build -trimpath -o bin/jotkeeper ./cmd/jotkeeper

.PHONY: test
test: packages lint ## check everything that a change must not break
	CGO_ENABLED=1 go test -race ./...
	cd examples/frameworks && go vet ./... && CGO_ENABLED=1 go test -race ./...
	cd examples/migrate && go vet ./... && CGO_ENABLED=1 go test -race ./...

.PHONY: lint
lint: ## check the form of the sources: gofmt, go vet, staticcheck
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "not formatted, run gofmt -w:"; echo "$$unformatted"; exit 1; }
	go vet ./...
	go tool -modfile=tools.mod staticcheck ./...

.PHONY: packages
packages: ## install the Debian packages that some suites need, when root
	@scripts/packages

.PHONY: seeded
seeded: ## plant each bug of testdata/seeded (SEEDED=jwt, SEEDED_SLICE=1/4), its test must notice
	go run ./internal/seeded -match '$(SEEDED)' -slice '$(SEEDED_SLICE)'

.PHONY: fuzz
fuzz: ## fuzz every target for FUZZTIME=30s
	@FUZZTIME=$(FUZZTIME) scripts/fuzz

.PHONY: crash
crash: ## kill the server JOTKEEPER_KILLS=200 times, nothing promised may be lost
	@JOTKEEPER_KILLS=$(JOTKEEPER_KILLS) scripts/crash

.PHONY: sim
sim: ## play JOTKEEPER_SIM=200 weeks of each story of refreshes, print the table
	JOTKEEPER_SIM=$(JOTKEEPER_SIM) go test -count=1 -v -timeout 120m -run '^TestCampaign$$' ./internal/sim

.PHONY: town
town: ## play JOTKEEPER_TOWN=6 days of the whole system with its faults, print the table
	JOTKEEPER_TOWN=$(JOTKEEPER_TOWN) go test -count=1 -v -timeout 120m -run '^TestTown$$' ./internal/town

.PHONY: soak
soak: ## rotate keys under load for JOTKEEPER_SOAK=60s, no valid token may be refused
	JOTKEEPER_SOAK=$(JOTKEEPER_SOAK) go test -count=1 -v -timeout 60m -run ServeRotatesUnderLoad ./cmd/jotkeeper

.PHONY: browse
browse: ## keep ten browser tabs logged in for JOTKEEPER_BROWSE=5m on a road that loses answers
	JOTKEEPER_BROWSE=$(JOTKEEPER_BROWSE) go test -count=1 -v -timeout 60m -run '^TestTenTabsKeepOneSession$$' ./cmd/jotkeeper

.PHONY: bench
bench: ## measure tokens, revocations, propagation, commits, refreshes, the start; print tables
	@cd bench && for b in */main.go; do echo "== $${b%/main.go}"; go run "./$${b%/main.go}" || exit 1; done

.PHONY: bench-build
bench-build: ## compile the benchmarks without running them
	cd bench && go vet ./...

.PHONY: cover
cover: ## write coverage.out with its summary coverage.txt
	go test -coverprofile=coverage.out ./...
	go tool cover -func=coverage.out > coverage.txt
	@tail -n 1 coverage.txt
