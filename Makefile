# Everything a newcomer or CI runs. The work is done by scripts/; this file only names it.
#   make run                       set up what is missing, then serve on http://127.0.0.1:8000
#   make run PORT=9000             on another port
#   make run LOCAL_VOICES=permissive   without Piper (GPL-3.0-or-later)

HOST ?= 127.0.0.1
PORT ?= 8000
ARGS ?=
export LOCAL_VOICES

.PHONY: help run setup test check bench models licences format generate lock wheel smoke clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

run:  ## set up what is missing, then serve the page and the API
	@exec scripts/setup run --host "$(HOST)" --port "$(PORT)" -- $(ARGS)

setup:  ## only set up what `make run` needs
	@exec scripts/setup prepare

test:  ## every test: web unit tests, Python tests, browser tests
	@scripts/setup test
	@exec scripts/test $(ARGS)

check:  ## everything CI checks besides the tests
	@scripts/setup check
	@exec scripts/check $(ARGS)

bench:  ## measure latency, lip sync and CPU; prints a table, writes JSON
	@scripts/setup test
	@exec .venv/bin/opentalking bench $(ARGS)

models:  ## get the embedded models again (checks what is there, resumes what is not)
	@scripts/setup check
	@exec .venv/bin/opentalking models pull --embedded

licences:  ## the licences of all that is installed
	@scripts/setup check
	@exec .venv/bin/python scripts/licences.py

format:  ## format and sort the Python code
	@scripts/setup check
	@.venv/bin/ruff check --quiet --select I --fix .
	@.venv/bin/ruff format .

generate:  ## write what is generated: docs/configuration.md, .env.example, openapi.json, docs/api.md, API types
	@scripts/setup check
	@.venv/bin/python scripts/generate_docs.py
	@.venv/bin/python scripts/generate_api.py

lock:  ## resolve requirements/*.lock anew (ARGS=--upgrade for newer releases)
	@scripts/setup check
	@exec .venv/bin/python scripts/lock.py $(ARGS)

wheel:  ## build the page and the wheel into dist/
	@scripts/setup wheel
	@rm -f dist/*.whl
	@.venv/bin/python -m build --wheel --no-isolation --outdir dist .

smoke: wheel  ## install the wheel outside the checkout, start it, ask it
	@exec .venv/bin/python scripts/wheel_smoke.py

clean:  ## remove what was built here; models and data stay
	@rm -rf .venv .make dist build apps/web/dist apps/web/node_modules \
	    .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis bench-results
	@find apps opentalking scripts tests -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
