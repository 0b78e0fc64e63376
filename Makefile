# Everything runs from .venv, which is made and filled when it is first needed and again when the requirements change.
# `make demo` and `make test` need nothing before them.

.DEFAULT_GOAL := help
.PHONY: help install system demo test pytest lint format docs clean

BIN := .venv/bin

# The packages are compiled when they are first imported, and only those that are; see scripts/install.sh.
unexport PYTHONDONTWRITEBYTECODE

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

# Two processes with one thread each get through small tensors faster than one process with two threads.
TEST_PROCESSES ?= 2
# Where tests may be left out for lack of time (see .ci/run), the lines that they would have run are not counted.
COVERAGE := $(if $(TEST_UNTIL),,--cov --cov-report=term-missing --cov-fail-under=90)

# glibc would give the memory of every large array back to the system, and ask for it again for the next.
test: export MALLOC_MMAP_THRESHOLD_ = 4294967296
test: export MALLOC_TRIM_THRESHOLD_ = 8589934592
# The types are checked while the tests are collected, neither of which keeps all cores busy.
test: system install
	@$(MAKE) --no-print-directory --jobs=2 lint pytest

pytest: install
	$(BIN)/pytest --numprocesses $(TEST_PROCESSES) $(COVERAGE)

# What mypy learns of a package is good for every checkout that has the same version of it.
lint: export MYPY_CACHE_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/napari-microdiff/mypy
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
