# Verbs of the project. `make` alone lists them.
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

export DO_NOT_TRACK := 1
export PYTHONUTF8 := 1

help: ## list the verbs
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(STAMP): pyproject.toml constraints.txt
	@# An environment that is there keeps its Python; another one: rm -r .venv; make PYTHON=python3.12
	@if ! .ci/python $(BIN)/python >/dev/null 2>&1; then \
	  python=$$(.ci/python $(PYTHON)) || exit 2; \
	  echo "Making the environment in $(VENV) with $$python (about 3 minutes, 1 GB, once) ..."; \
	  $$python -m venv --clear $(VENV); \
	fi
	@$(BIN)/pip install --disable-pip-version-check --progress-bar off -q -c constraints.txt -e '.[dev,browser,mcp,notebook]'
	-@$(BIN)/python -m orchestration.cli.prepare
	@touch $(STAMP)

install: $(STAMP) ## make the environment from the pinned constraints

demo: $(STAMP) ## simulate the demo shop, run the daily job, publish, print yesterday explained
	@$(BIN)/kpi demo

run: $(STAMP) ## run the daily job on your own shop.yml
	@$(BIN)/kpi run

dev: $(STAMP) ## open the Dagster UI on the same job (http://127.0.0.1:3000)
	@$(BIN)/kpi dev

serve: $(STAMP) ## serve the site on http://127.0.0.1:8000
	@$(BIN)/kpi serve

test: $(STAMP) ## run the tests
	@$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder

test-long: $(STAMP) ## run the full suites (arrival sequences, kills, browser matrix; Spark: make test-spark)
	@$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder -m 'not spark'

# A suite that needs an extra of its name: `make test-spark`, with Java 17, installs 0.5 GB.
test-%: $(STAMP)
	@$(BIN)/pip install --disable-pip-version-check --progress-bar off -q -c constraints.txt -e '.[$*]'
	@$(BIN)/pytest -m $*

lint: $(STAMP) ## ruff, mypy, import-linter, sqlfluff; FIX=1 formats Python first
	@$(if $(FIX),$(BIN)/ruff check --fix-only -q . && $(BIN)/ruff format -q .)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/sqlfluff lint -q -p 0 dbt_project/models dbt_project/tests/singular

bench: $(STAMP) ## beside hand-written SQL and other tools: SIZE=XS, S, M or L; CHECK=1 only compares with the bars
	@$(BIN)/python -m benchmarks.bench --size $(or $(SIZE),S) $(if $(CHECK),--check) \
	  $(if $(SHAPES),--shapes $(SHAPES)) $(if $(KEEP),--home $(KEEP)) \
	  $(foreach peer,$(PEERS),--peer-python $(peer))

soak: $(STAMP) ## many simulated days as they come, held against one clean build: DAYS=90
	@$(BIN)/python -m benchmarks.soak $(or $(KEEP),data/soak) --days $(or $(DAYS),90)

docs: $(STAMP) ## write the pages that are made from the code
	@$(BIN)/python -m ingestion.documents.feeds > docs/feeds.md
	@$(BIN)/python -m ingestion.documents.personal_data > docs/personal-data.md
	@$(BIN)/python -m ingestion.documents.formats > docs/formats.md
	@$(BIN)/python -m orchestration.build.erd > docs/erd.md

clean: ## delete what a run derives (build, published, site); keeps inbox, landing and state
	rm -rf data/build data/published data/site dbt_project/target

.PHONY: help install demo run dev serve test test-long lint bench soak docs clean
