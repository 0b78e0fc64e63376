# Everything runs from .venv, which is made and filled when it is first needed and again when the requirements change.
# `make demo` and `make test` need nothing before them.

.DEFAULT_GOAL := help
.PHONY: help install system demo test lint format docs clean

BIN := .venv/bin

help:
	@echo "make demo    open napari with a noisy image and denoise it"
	@echo "make test    check style, types and imports, and run all tests"
	@echo "make lint    check style, types and imports only"
	@echo "make format  put the code into its style"
	@echo "make docs    build the documentation into site/"
	@echo "make clean   remove .venv and all that was built"

install: $(BIN)/.installed

$(BIN)/.installed: pyproject.toml constraints.txt scripts/install.sh
	scripts/install.sh pyside6,dev
	@touch $@

$(BIN)/.docs-installed: $(BIN)/.installed
	scripts/install.sh pyside6,dev,docs
	@touch $@

system:
	@scripts/system-libs.sh

demo: system install
	@scripts/demo.sh

test: system lint
	$(BIN)/pytest --cov --cov-report=term-missing --cov-fail-under=90

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(BIN)/.docs-installed
	$(BIN)/mkdocs build --strict

clean:
	rm -rf .venv build dist site demo-output htmlcov .coverage .hypothesis .import_linter_cache \
		.mypy_cache .pytest_cache .ruff_cache
