# Everything here works in a fresh clone: set-up runs first where it is needed, and takes a second where it is not.
# PYTHON=python3.12 chooses the interpreter. A ROS distribution that is sourced is used; otherwise ROS 2 comes from PyPI.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup shell demo test test-numpy1 lint soak gpu-test bench clean

# Puts the rest of a recipe's line into an environment: the row is the argument, NumPy 2 without one.
in_env = environment=$$(tools/set-up $(1)) && . "$$environment" &&

help: ## Show this list
	@sed -nE 's/^([a-z0-9-]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 22

setup: ## Make .venv: packages, ROS 2, interface packages
	@$(call in_env) echo "ready; for a shell in it: . $${environment#$$PWD/}"

shell: ## Open a shell in the environment
	@$(call in_env) exec $${SHELL:-/bin/bash}

demo: ## Run the demo: MODEL=model.onnx IMAGES=folder
	@$(call in_env) trt-perception demo $(if $(MODEL),--model '$(MODEL)') $(if $(IMAGES),--images '$(IMAGES)')

# Types are checked against the stubs of the newest NumPy, which Python 3.10 cannot have; older stubs say less.
types = if python -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then python -m mypy ; \
	else echo "mypy: left out, the stubs of NumPy for Python 3.10 are too old"; fi

lint: ## ruff and mypy --strict
	@$(call in_env) python -m ruff check . && { $(types); }

test: ## lint, then all tests but soaks and GPU tests: ARGS="-k name"
	@$(call in_env) python -m ruff check . && { $(types); } && python tools/run_tests.py -m "not soak and not gpu" $(ARGS)

# Processes, pages, packages, damaged bytes, Ray: no version of NumPy or OpenCV changes what these find.
any_numpy = bench cuda_on_cpu docs examples fuzz ingest kernels launch packaging tools ros/test_faults_receivers.py ros/test_ledger.py \
	ros/test_receivers.py ros/test_soak.py runtime/test_gpu_painter.py validate/test_ray_cluster.py validate/test_run_on_cluster.py

test-numpy1: ## The tests whose arrays meet NumPy 1.26 and OpenCV 4, in .venv-numpy1
	@$(call in_env,numpy1) python tools/run_tests.py -m "not soak and not gpu" $(any_numpy:%=--ignore=test/%) $(ARGS)

soak: ## The long runs, then an hour of faults: SOAK="--minutes 10", or ARGS="-k name" for some of the former alone
	@$(call in_env) python -m pytest -m soak --timeout 3600 $(ARGS) $(if $(ARGS),,&& python -m bench.soak $(SOAK))

# Kernels are tested beside their references, on the CPU and on a GPU.
gpu_tests = test/gpu test/cuda_on_cpu test/kernels test/preprocess test/decode test/draw

gpu-test: ## Tests on a CUDA GPU, with the Python that has TensorRT: PYTHON=
	@$(or $(PYTHON),python3) -m pytest -m gpu $(or $(TESTS),$(gpu_tests)) $(ARGS)

bench: ## The measurements of bench/, which write docs/results/
	@$(call in_env) for file in bench/*.py; do python "$$file" || exit; done

clean: ## Delete everything that set-up, builds and tests made
	@rm -rf .venv .venv-* .cache build install log demo/out *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
