# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test mutants lint docs viewer pretrained dist sbom audit-dependencies lock clean

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

# The documentation as a site: site/index.html. Its search works where it is served: `python -m http.server --directory site`.
docs: .venv/.ready
	$(BIN)/python -m mkdocs build --strict

# The review page's TypeScript without its types: what is committed and shipped.
viewer: .venv/.ready
	PATH="$(CURDIR)/$(BIN):$$PATH" src/ictal/review/page/build.sh src/ictal/review/page/built

# The model that `ictal detect` uses when none is named, made again, from CLIPS of real EEG too: see docs/tiny.md.
pretrained: .venv/.ready
	PATH="$(CURDIR)/$(BIN):$$PATH" sh examples/pretrained/make.sh pretrained src/ictal/recipes/shipped/tiny \
		"$(CLIPS)" "$(ATTRIBUTION)"

# The sdist, and the wheel that is built from it.
dist: .venv/.ready
	rm -rf dist
	$(BIN)/python -m build --no-isolation

# What a release brings along, from an environment with nothing else in it.
sbom: build/release/.ready build/tools/.ready
	build/tools/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
		--output-file dist/ictal.cdx.json build/release/bin/python

# Whether any of that is known to be vulnerable, by PyPI or another SERVICE (osv: OSV_URL). What it cannot be asked about fails,
# lest silence be taken for safety; so does an exception that is to be reviewed.
SERVICE ?= pypi
OSV_URL ?= https://api.osv.dev/v1/query
audit-dependencies: build/release/.ready build/tools/.ready
	build/release/bin/pip freeze --all --exclude pip --exclude ictal | sed "s,+cpu,," > build/release.txt
	build/tools/bin/python .ci/exceptions.py .ci/exceptions.toml build/release.txt > build/exceptions.txt
	build/tools/bin/pip-audit --strict --no-deps --disable-pip --vulnerability-service $(SERVICE) --osv-url $(OSV_URL) \
		$$(cat build/exceptions.txt) --requirement build/release.txt

build/release/.ready: dist
	rm -rf build/release
	$(PYTHON) -m venv build/release
	build/release/bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt dist/*.whl
	touch build/release/.ready

build/tools/.ready: Makefile
	$(PYTHON) -m venv build/tools
	build/tools/bin/pip install --quiet --disable-pip-version-check cyclonedx-bom==7.5.0 pip-audit==2.10.1
	touch build/tools/.ready

# Every package, at the version that the tests passed with.
.venv/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch .venv/.ready

# Rewrites constraints.txt from what is installed in .venv.
lock:
	$(BIN)/pip freeze --all --exclude pip --exclude-editable | sed "s,+cpu,," | sort --ignore-case > constraints.txt

clean:
	rm -rf .venv build demo dist mutants pretrained site .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
