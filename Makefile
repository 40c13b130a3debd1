# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test mutants lint docs viewer lock clean

demo: .venv/.ready
	$(BIN)/ictal demo --out demo

test: .venv/.ready
	$(BIN)/python -m pytest -n 2

# Faults planted in scoring and detection, one at a time: which does no test notice? Half an hour or more; docs/mutation.md.
mutants: .venv/.ready
	rm -rf mutants
	$(BIN)/python -m mutmut run
	$(BIN)/python tests/mutants.py

lint: .venv/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The documentation as a site: site/index.html.
docs: .venv/.ready
	$(BIN)/python -m mkdocs build --strict

# The review page's TypeScript without its types: what is committed and shipped.
viewer: .venv/.ready
	PATH="$(CURDIR)/$(BIN):$$PATH" src/ictal/review/page/build.sh src/ictal/review/page/built

# Every package, at the version that the tests passed with.
.venv/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch .venv/.ready

# Rewrites constraints.txt from what is installed in .venv.
lock:
	$(BIN)/pip freeze --exclude-editable | sed "s,+cpu,," | sort --ignore-case > constraints.txt

clean:
	rm -rf .venv demo site mutants .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
