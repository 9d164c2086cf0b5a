"""The web API keeps what its description promises: asked by a program that has read the description and nothing else."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from parts.world import Desk, World, python

HERE = Path(__file__).parent
# Bounded in time, and the same on every run.
SECONDS = 40
SETTINGS = """\
seed = 1
headers = { Authorization = "Bearer %s" }
workers = 1
continue-on-failure = true
# That few inputs were found in time, on a machine that has much to do, says nothing of the API.
suppress-health-check = ["all"]
# A caller is answered 100 in a second.
rate-limit = "80/s"

[generation]
max-examples = 10

# Nobody has made what is asked for, or somebody has changed it, or made it meanwhile.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 304, 404, 409, 410, 412, 428]

# A tag that is malformed names nothing that is there (RFC 9110 section 13.1.1); a head may be too long.
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 412, 413, 415, 422, 428, 431]

# Of If-Match alone (RFC 6585 section 3).
[checks.missing_required_header]
expected-statuses = [428]

"""
# What no schema says: files and documents of other languages, times that have an order.
BEYOND = """\
[[operations]]
include-path-regex = "%s"
checks.positive_data_acceptance.expected-statuses = ["2xx", 304, 400, 404, 409, 410, 412, 422, 428]

"""
WITH_RULES_OF_THEIR_OWN = [
    "^/v1/policy(/check|/simulations|/suggestions|/explanations)?$", "^/v1/servers", "^/v1/imports$",
    "^/v1/proposals", "^/v1/settings/registry$", "^/v1/(reports|records|changes)", "^/v0.1/servers",
    # A cursor that was not given out.
    "^/v1/(users|groups|invitations|tokens|agents|tools|policy/versions)$",
]


def tightened(description: dict) -> dict:
    """The description for a caller with a token, with answers made exact: a member that it does not name is a finding."""

    def close(schema: dict | list) -> None:
        for each in schema.values() if isinstance(schema, dict) else schema:
            if isinstance(each, (dict, list)):
                close(each)
        if isinstance(schema, dict) and schema.get("type") == "object" and "properties" in schema:
            schema.setdefault("additionalProperties", False)

    close(description["components"]["schemas"])
    # A refusal has members of its own.
    description["components"]["schemas"]["Problem"].pop("additionalProperties")
    for path in list(description["paths"]):
        operations = description["paths"][path]
        for method in list(operations):
            operation = operations[method]
            if operation["security"] and {"token": []} not in operation["security"]:
                del operations[method]
                continue
            operation["security"] = [each for each in operation["security"] if "token" in each]
            # The same key for another body is refused, and a generator knows few keys.
            others = [each for each in operation.get("parameters", []) if each["name"] != "Idempotency-Key"]
            operation["parameters"] = others
        if not operations:
            del description["paths"][path]
    return description


def ask(world: World, desk: Desk, folder: Path, *more: str) -> subprocess.CompletedProcess:
    token = world.secret(desk.doorward("admin", "tokens", "add", "asker", "--scope", "admin").json["token"])
    machines, people = desk.doorward("admin", "agents").json["agents"], desk.doorward("admin", "users").json["users"]
    needed = ["asker", *(each["agent_id"] for each in machines), *(each[name] for each in people for name in ("sub", "email"))]
    description = folder / "openapi.json"
    description.write_text(json.dumps(tightened(world.coordinator.get("/openapi.json").json)))
    settings = folder / "schemathesis.toml"
    settings.write_text(SETTINGS % token + "".join(BEYOND % path for path in WITH_RULES_OF_THEIR_OWN))
    settings.chmod(0o600)
    return subprocess.run(
        [
            python("schemathesis").parent / "schemathesis", "--config-file", settings, "run", description,
            "--url", world.coordinator.url, "--tls-verify", world.coordinator.ca, "--checks", "all",
            "--max-time", str(SECONDS), "--phases", "examples,coverage,fuzzing", *more,
        ],
        env=os.environ | {"NEEDED": " ".join(needed), "SCHEMATHESIS_HOOKS": str(HERE / "parts" / "unharmed.py")},
        cwd=folder, capture_output=True, text=True, timeout=SECONDS * 3, check=False,
    )


def test_every_operation_says_who_may_use_it(world):
    description = world.coordinator.get("/openapi.json").json
    roles = {"anonymous", "member", "auditor", "editor", "admin", "owner", "agent"}
    operations = [each for path in description["paths"].values() for each in path.values()]
    assert len(operations) > 60
    assert {each["x-doorward-role"] for each in operations} <= roles


def test_the_description_is_kept(world, desk, tmp_path):
    done = ask(world, desk, tmp_path)
    assert done.returncode == 0, done.stdout[-20_000:]
    assert world.coordinator.get("/readyz").status == 200
    assert desk.doorward("admin", "users").json["users"]
