# What one types while working on Footnote; `make check` is what a change must pass.
.PHONY: check fast lint quick fix bench docs site build sbom audit licences secrets

check:  ## everything: lock, lint, format, types, imports, tests
	bash .ci/run

fast:  ## lint, types, imports and the tests that open no socket and load no model
	$(MAKE) -j 2 lint quick

lint:  ## lint, format, import contracts, declared dependencies, types
	bash .ci/lint

quick:  ## the tests that open no socket, start no process and load no model
	uv run pytest -q --fast -n 2 --dist worksteal

fix:  ## what can be mended by itself
	uv run ruff check --fix .
	uv run ruff format .

bench:  ## one search and one answer beside plain Chroma and tantivy, over seeds/
	uv run footnote ingest
	OPENBLAS_NUM_THREADS=1 uv run python bench/latency.py .footnote tests/eval/seeds-answerable/queries.jsonl

docs:  ## the pictures of docs/, drawn from real answers; Chromium is needed
	uv run python docs/make_pictures.py

site:  ## the site of docs/ in site/, its settings and commands from the code; nothing is asked of the network
	uv run python docs/make_reference.py
	NO_MKDOCS_2_WARNING=1 uv run mkdocs build --strict --quiet

build:  ## sdist and wheels into dist/, and a trial of them with plain pip in an empty environment
	bash .ci/build
	bash .ci/try_wheels

sbom:  ## what is locked, with versions and hashes, as CycloneDX
	mkdir -p dist
	uvx --from 'cyclonedx-bom>=7' cyclonedx-py requirements requirements.lock --of JSON -o dist/footnote.cdx.json

audit:  ## known vulnerabilities of the locked versions; asks the network
	uvx 'pip-audit>=2.9' --no-deps --disable-pip --requirement requirements.lock

licences:  ## docs/licences.md: what each locked package says of itself
	uv run python docs/make_licences.py

secrets:  ## tokens and keys in what is tracked, but for the made-up ones that .secrets.baseline knows
	git ls-files -z | xargs -0 uvx --from 'detect-secrets>=1.5' detect-secrets-hook --baseline .secrets.baseline
