#!/usr/bin/env bash
# dev format: brings the Swift sources into the form that `dev lint` asks for.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=shared.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/shared.sh"

need_swift
run swift format format --in-place --recursive --parallel Package.swift Agent Coordinator Shared Tests
