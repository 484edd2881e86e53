# Run `make` for the list of targets.

# Tools run by version and are built from source on first use: nothing to install, and none of them gets into go.mod.
GOLANGCI_LINT_VERSION := v2.15.0
NATSCLI_VERSION       := v0.5.1
GOVULNCHECK_VERSION   := v1.9.0
BENCHSTAT_VERSION     := v0.0.0-20260908200009-22c9c6c9d4da
ESBUILD_VERSION       := 0.28.2
KUBECONFORM_VERSION   := v0.7.0
KUBERNETES_VERSION    := v1.34.0

GO            ?= go
GOLANGCI_LINT := $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
NATS          := $(GO) run github.com/nats-io/natscli/nats@$(NATSCLI_VERSION)
BENCHSTAT     := $(GO) run golang.org/x/perf/cmd/benchstat@$(BENCHSTAT_VERSION)

EXAMPLES := orders workflow analytics audit batch carts agent mail saga approval chat

# What the targets below take, as in `make bench BENCH=Call COUNT=10`.
TESTFLAGS ?=
PACKAGES  ?= ./...
BENCH     ?= .
COUNT     ?= 1
FUZZTIME  ?= 30s
SECONDS   ?= 30
SEED      ?= 1
SEEDS     ?= 1
ALL       ?=
ROUNDS    ?= 50
AWAKE     ?= 10000
ROWS      ?=
ACTORS    ?= 100000
ARGS      ?= --help
PKG       ?=
OLD       ?= bin/bench-old.txt
NEW       ?= bin/bench.txt

# A failing command anywhere in a pipe fails its target.
SHELL       := bash
.SHELLFLAGS := -euo pipefail -c

.DEFAULT_GOAL := help
.PHONY: help build test race chaos hostile failover cover bench bench-smoke benchstat fuzz examples page fmt fmt-check vet vet-others tidy-check notice notice-check vulns golangci lint arrows nats up down ci clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  \033[1m%-11s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Compile every package, and the commands into bin/
	$(GO) build ./...
	$(GO) build -o bin/ ./cmd/...

test: ## Run all tests (TESTFLAGS='-run Name -v')
	$(GO) test -timeout 20m ./... $(TESTFLAGS)

# Now and then the runtime of the race detector itself dies, which says nothing of races: then the tests run once more, but for those
# that have passed.
race: ## Run all tests with the race detector (PACKAGES=./...)
	@mkdir -p bin
	@run() { $(GO) test -race -timeout 20m $(PACKAGES) $(TESTFLAGS) 2>&1 | tee bin/race.txt; }; \
	run || { grep '^ThreadSanitizer: CHECK failed' bin/race.txt && run; }

# A run of 3 servers is among every four seeds. The last test switches guarantees off and must find that out.
chaos: ## Kill, freeze, silence and overload hosts and servers, and check what clients see (SECONDS=30 SEED=1 SEEDS=1 ALL=)
	$(GO) test -tags chaos ./actorhost/chaos -run 'Chaos|Bank|Ears|RollingRestart|ServerIsLost|FaultsAreFound' -v -count 1 -parallel 4 \
		-timeout 0 $(TESTFLAGS) -args \
		-seconds $(SECONDS) -seed $(SEED) -seeds $(SEEDS) $(if $(ALL),-all)

hostile: ## Have one tenant attack while another measures, and check what becomes of both (SECONDS=1)
	$(GO) test ./actorhost/hostile -run Hostile -v -count 1 -timeout 0 $(TESTFLAGS) -args -seconds $(SECONDS)

failover: ## Measure how long actors are without service when their host goes (ROUNDS=50 AWAKE=10000 ROWS=regexp)
	$(GO) test -tags chaos ./actorhost/chaos -run Failover -count 1 -timeout 0 -v $(TESTFLAGS) -args \
		-rounds $(ROUNDS) -awake $(AWAKE) -rows '$(ROWS)'

cover: ## Measure test coverage over all packages, and write bin/cover.html
	@mkdir -p bin
	$(GO) test -coverpkg=./... -coverprofile=bin/cover.out ./... $(TESTFLAGS)
	$(GO) tool cover -html=bin/cover.out -o bin/cover.html
	$(GO) tool cover -func=bin/cover.out | tail -n 1

bench: ## Run the benchmarks, and write the results (BENCH=regexp COUNT=10 ACTORS=100000 NEW=bin/bench.txt)
	@mkdir -p bin
	@dirs=$$(grep -rl --include='*_test.go' '^func Benchmark' . | sed 's|/[^/]*$$||' | sort -u) || { echo 'no benchmarks'; exit 1; }; \
	TROUPE_BENCH_ACTORS=$(ACTORS) $(GO) test -timeout 0 -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) $$dirs $(TESTFLAGS) | tee $(NEW)

# Those that take a quarter of a minute, whatever one asks for.
LONG_BENCHMARKS := ^Benchmark(Programs|Memory|Crowd|IdleLoops|Herd)

bench-smoke: ## Run each benchmark but the longest once, with few actors, to see that it works: the figures mean nothing
	@$(MAKE) --no-print-directory bench BENCH=. COUNT=1 ACTORS=1000 NEW=/dev/null TESTFLAGS='-benchtime 1x -timeout 5m -skip "$(LONG_BENCHMARKS)"'

benchstat: ## Compare two files of benchmark results (OLD= NEW=)
	$(BENCHSTAT) $(OLD) $(NEW)

# `go test` fuzzes one target of one package at a time. It would spend up to a minute on making an input smaller that is
# interesting and no more, with all else at rest.
fuzz: ## Run each fuzz target in turn (FUZZTIME=30s)
	@targets=$$($(GO) test -list '^Fuzz' ./... | awk '/^Fuzz/ { names[n++] = $$1 } \
		/^ok/ { for (i = 0; i < n; i++) print $$2, names[i]; n = 0 }'); \
	[[ -n $$targets ]] || { echo 'no fuzz targets'; exit 1; }; \
	while read -r pkg name; do \
		echo "== $$pkg $$name"; \
		$(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x "$$pkg" </dev/null; \
	done <<<"$$targets"

examples: ## Run the examples, each on an embedded server or on the bus at NATS_URL
	@for example in $(EXAMPLES); do echo "== $$example"; $(GO) run ./examples/$$example </dev/null; done

# The page must work without npm, so what it needs of it is in the repository: one file each, with the licences.
page: ## Bundle the npm packages that the page of the chat example uses
	@cd client/js && npm ci && lib=../../examples/chat/page/lib && bundle() { \
		echo "export { $$3 } from '$$2'" | npx --yes esbuild@$(ESBUILD_VERSION) --bundle --minify --format=esm --log-level=warning \
			--banner:js="// $$(node -p "'$$2 ' + require('./package.json').dependencies['$$2']"), bundled by make page; licences in LICENSES" \
			--outfile=$$lib/$$1.js; \
	} && \
	bundle nats-core @nats-io/nats-core 'createInbox, headers, wsconnect' && \
	bundle msgpack @msgpack/msgpack 'decode, decodeMulti, encode' && \
	for package in @nats-io/nats-core @nats-io/nkeys @nats-io/nuid tweetnacl @msgpack/msgpack; do \
		echo "== $$package $$(node -p "require('./node_modules/$$package/package.json').version")"; echo; cat node_modules/$$package/LICENSE; echo; \
	done >$$lib/LICENSES

fmt: ## Format all Go files
	$(GOLANGCI_LINT) fmt

fmt-check: ## Fail on Go files that gofmt would change, and on marks of merges in any file
	@unformatted=$$(gofmt -l .); [[ -z $$unformatted ]] || { echo "run make fmt for:"; echo "$$unformatted"; exit 1; }
	@! git grep -nE '^(<{7}|>{7}) '

vet: ## Run go vet
	$(GO) vet ./...
	$(GO) vet -tags chaos ./...

vet-others: ## Run go vet for macOS and Windows: all code and tests compile there
	GOOS=darwin $(GO) vet -tags chaos ./...
	GOOS=windows $(GO) vet ./...

# The programs whose modules have their licences in NOTICE.
PROGRAMS = $$($(GO) list -f '{{if eq .Name "main"}}{{.ImportPath}}{{end}}' ./cmd/... ./examples/... ./deploy/...)

notice: ## Collect the licences of all modules that the programs contain in NOTICE
	@$(GO) run ./internal/notice $(PROGRAMS) >NOTICE

notice-check: ## Fail when NOTICE is not what make notice would write
	@$(GO) run ./internal/notice $(PROGRAMS) | diff NOTICE - || { echo "run make notice"; exit 1; }

# Exit code 3: there are some. Whatever else goes wrong is that nobody could look, as where the database cannot be reached.
vulns: ## Look for known vulnerabilities in what our code calls
	@status=0; GOBIN=$(CURDIR)/bin $(GO) install golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION) && bin/govulncheck ./... || status=$$?; \
	if ((status == 3)); then exit 1; elif ((status != 0)); then echo "not looked for vulnerabilities: see above"; fi

tidy-check: ## Fail when go.mod or go.sum are not tidy, or a module is not the one they name
	$(GO) mod tidy -diff
	$(GO) mod verify

golangci: ## Run golangci-lint
	$(GOLANGCI_LINT) run
	$(GOLANGCI_LINT) run --build-tags chaos ./actorhost/...

lint: vet golangci ## Run all linters: go vet and golangci-lint

arrows: ## Measure how the files of each package use each other, and what is too long (PKG=./client: what to cut)
	@$(GO) run ./internal/arrows $(if $(PKG),-back) $(PKG)

nats: ## Run the NATS command line (ARGS='stream ls')
	@$(NATS) $(ARGS)

secrets: ## Make certificates and passwords for the cluster in Docker, in secrets/; remove that to make others
	$(GO) run ./deploy/secrets secrets

up: secrets ## Start a NATS cluster and two hosts in Docker, with TLS and users
	docker compose up --build --detach --wait

down: ## Stop them; the data stays (docker compose down --volumes removes it)
	docker compose down

ci: ## Run what every change must pass
	@bash .ci/run

clean: ## Remove what the other targets wrote
	rm -rf bin
