# What one types while working on Footnote; `make check` is what a change must pass.
# What opens no socket and loads no model.
FAST = tests/bot/test_settings.py \
	$(addprefix tests/retrieval/test_, text.py papers.py merging.py references.py periods.py names.py evaluation.py) \
	$(addprefix tests/bot/llm/test_, address.py lenient.py prices.py) \
	$(addprefix tests/bot/answering/test_, checks.py surface.py prompt.py patterns.py)

.PHONY: check fast fix bench docs

check:  ## everything: lock, lint, format, types, imports, tests
	bash .ci/run

fast:  ## lint, types, imports and the tests that open no socket and load no model
	bash .ci/lint
	uv run pytest -n 2 -q $(FAST)

fix:  ## what can be mended by itself
	uv run ruff check --fix .
	uv run ruff format .

bench:  ## one search and one answer beside plain Chroma and tantivy, over seeds/
	uv run footnote ingest
	OPENBLAS_NUM_THREADS=1 uv run python bench/latency.py .footnote tests/eval/seeds-answerable/queries.jsonl

docs:  ## the pictures of docs/, drawn from real answers; Chromium is needed
	uv run python docs/make_pictures.py
