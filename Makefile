# Everything a person or a pipeline does with this repository. Needs Python 3.11 or later, make and the registries.

BIN := .venv/bin
PY := $(BIN)/python
NODE_BIN := node_modules/.bin
ENV ?= dev
# First of all the Node of the virtual environment: whatever else the machine has is not pinned.
export PATH := $(CURDIR)/$(BIN):$(PATH)
ifeq ($(origin PYTHON),undefined)
PYTHON := $(shell $(PY) -c '' 2>/dev/null && echo $(PY) || echo python3)
endif
# Asked for only by what uses it; the file needs no packages.
ENVIRONMENTS = $(shell $(PYTHON) -m stacks.environment 2>/dev/null)
# A process for each core; one that has nothing left takes over what waits for another.
PARALLEL := -n auto --dist worksteal
# What `check` runs besides the unit tests: what guards the two promises, that an append loses and doubles nothing, and
# that no function and no route may do more than it must.
PROMISES := $(addprefix tests/store/test_,appending.py preconditions.py lost_races.py interleavings.py) \
	$(addprefix tests/infrastructure/test_,api_function.py api_gateway.py command_routes.py \
	commands_stack.py ledger_stack.py publisher_stack.py reports_stack.py)
# What `check` leaves to `test` for the time it takes: whole ways through the gateway, the lake, a restore, a redrive,
# a rebuild, a seal, and a verification.
LONG := $(addprefix --ignore=tests/unit/,benchmarks command_templates/test_chain.py $(addprefix cli/,doctor projections \
	reconcile redrive restore smoke $(addprefix verify/test_,everything.py tampering.py)) inbox/test_hot_account.py \
	local/athena/test_scanning.py publishing/test_handler.py smoke \
	$(addprefix projections/test_,comparison.py interleavings.py lag_function.py model.py poison_lines.py \
	projector_function.py rebuild.py rebuild_function.py) \
	$(addprefix transparency/test_,crashes.py lake_rows.py memory_of_sealing.py tampering.py two_sealers.py) verification \
	$(addprefix tools/test_,every_byte.py hostile.py log_copy.py of_the_service.py oracles.py) \
	$(addprefix analytics/test_,folding.py queries.py ranges.py revocations.py test_accounts.py windows.py))
# What works in an AWS account takes no environment for granted. CDK_OPTIONS are added to the `cdk` command.
IN_ACCOUNT = @$(PY) -m deploy $@ $(if $(filter file,$(origin ENV)),,$(ENV)) $(if $(YES),--yes) $(CDK_OPTIONS)
# The first seed of a soak: another one every time.
SOAK_SEED ?= $(shell date +%s)

.DEFAULT_GOAL := help
.PHONY: help run introduction sql stop status logs smoke test test-store check soak lint format synth bench install lock costs audit \
	python clean bootstrap diff deploy protect recover destroy

help: ## Say what there is
	@echo "make TARGET, where TARGET is"
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F '\t' '{ printf "  %-12s %s\n", $$1, $$2 }'
	@echo "Variables: PYTHON (now $(PYTHON)), ENV (for synth: $(or $(ENVIRONMENTS),see stacks/environment.py)), DAYBOOK_LOCAL_PORT (for run; any free port if unset)"

run: introduction install ## Deploy the stacks to an AWS emulator on this machine and show the worked example
	@$(PY) -m local run

# Before anything is installed: it is read meanwhile.
introduction: python
	@$(PYTHON) -m local.example.introduction

sql: install ## Ask the running system's history in SQL: a prompt, or make sql Q='SELECT ...'
	@$(BIN)/daybook sql $(if $(Q),'$(subst ','\'',$(Q))')

stop: python ## Stop what `make run` left running
	@$(PYTHON) -m local.stop

status: install ## Say where the running system is and how to call it
	@$(PY) -m local status

logs: install ## Show the newest lines that the functions wrote, or all with a CORRELATION_ID
	@$(PY) -m local logs $(if $(CORRELATION_ID),--correlation-id='$(subst ','\'',$(CORRELATION_ID))')

smoke: install ## Try a deployed system out end to end: the running one, or that of ENV in AWS
	@$(BIN)/daybook smoke $(if $(filter file,$(origin ENV)),,--env $(ENV))

check: lint ## Linters, unit tests, and what guards appending, grants and routes: just over a minute
	DAYBOOK_TEST_RUNS=check $(PY) -m pytest $(PARALLEL) -m "not programs" $(LONG) tests/unit $(PROMISES)

test: lint ## Everything that proves this repository, with coverage: about half an hour
	$(PY) -m pytest $(PARALLEL) -m "not thousands" --cov --cov-report=term tests/unit tests/store tests/infrastructure
	$(PY) -m pytest $(PARALLEL) -m thousands tests/unit tests/store
	$(PY) -m pytest -n 2 --dist loadfile tests/e2e

soak: install ## The seeded and generated tests by the ten thousand, from new seeds: an hour; nightly in CI
	DAYBOOK_TEST_RUNS=soak DAYBOOK_TEST_SEED=$(SOAK_SEED) \
		$(PY) -m pytest $(PARALLEL) -m generated tests/unit tests/store

test-store: install ## The store suite alone, also against DAYBOOK_TEST_DYNAMODB_ENDPOINT
	$(PY) -m pytest tests/store

lint: install ## Format, lint, types, import rules, the contract's documents and the workflows: all, whichever fails
	@failed=; \
	for linter in "$(BIN)/ruff format --check ." "$(BIN)/ruff check ." $(BIN)/mypy $(BIN)/lint-imports "$(NODE_BIN)/redocly lint" "$(BIN)/zizmor --offline --quiet .github"; do \
		echo "== $${linter##*bin/}"; \
		$$linter || failed="$$failed; $${linter##*bin/}"; \
	done; \
	[ -z "$$failed" ] || { echo "Failed: $${failed#; }" >&2; exit 1; }

format: install ## Format the code, and repair what the linter can
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bootstrap: install ## Create what the CDK needs in the AWS account of ENV
	$(IN_ACCOUNT)

diff: install ## Show what a deployment would change in ENV
	$(IN_ACCOUNT)

deploy: install ## Deploy ENV to AWS; the first time without protection against deletion
	$(IN_ACCOUNT)

protect: install ## Turn protection against deletion on, after the first deployment of ENV
	$(IN_ACCOUNT)

recover: install ## List what a first deployment that failed has left, or remove it with YES=1
	$(IN_ACCOUNT)

destroy: install ## List what ENV is made of, or remove it with YES=1, where no data is protected
	$(IN_ACCOUNT)

synth: install ## Synthesize the environment ENV into cdk.out; no AWS account is asked
	@$(PY) -m local.setup.synth $(ENV)

bench: install ## Measure, print a table and write it as JSON
	$(PY) -m benchmarks

install: python ## Create .venv and node_modules; every other target does it when needed
	@$(PYTHON) -m local.setup.install

lock: install ## Compile the lock files again from the .in files; UPGRADE=1 takes the newest versions
	@$(PY) -m local.setup.locks $(if $(UPGRADE),--upgrade)

costs: install ## Count what the templates of every environment cost, and write the tables into README.md
	@$(PY) -m local.costs

audit: install ## Check packages for advisories and licences, and write bills of materials to .local/audit
	@$(PY) -m local.audit

python:
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "There is no '$(PYTHON)' here. Install Python 3.11 or later, or name one: make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed, and $(PYTHON) is older. Name a newer one: make PYTHON=python3.13 ..." >&2; exit 1; }

clean: stop ## Stop, and remove everything that the tools made
	rm -rf .venv .venv-audit .venv-clients node_modules .local cdk.out .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage htmlcov
