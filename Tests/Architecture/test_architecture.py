"""The shape of the sources: who may import whom, and the rules of form. Each check is also shown to fail."""

import statistics
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import layers  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
CHECKS = [
    layers.unknown_targets, layers.wrong_layers, layers.circles, layers.broken_fences, layers.statuses_in_domain,
    layers.codes_without_status, layers.too_long,
    layers.undocumented, layers.unexplained_sendable, layers.wall_clock_waits, layers.unfinished, layers.reflected,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_sources_keep_the_rule(check):
    findings = check(ROOT)
    assert not findings, "\n".join(f"{where}: {why}" for where, why in findings)


def test_every_name_has_a_room():
    assert layers.names_without_rooms(ROOT) == []


def test_the_package_names_every_target():
    manifest = (ROOT / "Package.swift").read_text()
    missing = [name for name, (_, folder) in layers.targets(ROOT).items()
               if layers.sources(folder) and f'"{name}"' not in manifest]
    assert not missing


def test_nothing_else_stands_at_the_top():
    allowed = {
        "Agent", "Coordinator", "Shared", "Tests", "findings", "packaging", "Package.swift", "README.md", "LICENSE",
        "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "Package.resolved",
    }
    assert {each.name for each in ROOT.iterdir() if not each.name.startswith(".")} <= allowed


def test_files_are_not_cut_up_by_length():
    """A thought that is torn over many small files is no easier to read: half of all files have more than 60 lines."""
    lengths = [len(path.read_text().splitlines()) for half in layers.LAYERS for path in layers.sources(ROOT / half)]
    assert statistics.median(lengths) > 60


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) < 150


SEEDED = [
    (layers.reflected, "Agent/Commands/A.swift", 'let a = CommandConfiguration(abstract: "A.")'),
    (layers.reflected, "Coordinator/CoordinatorCore/A.swift", "struct A: Service {}"),
    (layers.unknown_targets, "Agent/Gadgets/A.swift", "let a = 1"),
    (layers.wrong_layers, "Shared/StrictJSON/A.swift", "import MCP"),
    (layers.wrong_layers, "Shared/TransparencyLog/A.swift", "internal import AuditLog"),
    (layers.wrong_layers, "Shared/MCP/A.swift", "internal import Keyring"),
    (layers.wrong_layers, "Agent/Keyring/A.swift", "package import Database"),
    (layers.wrong_layers, "Coordinator/API/A.swift", "@testable import OAuth"),
    (layers.wrong_layers, "Coordinator/Registry/A.swift", "import struct API.Route"),
    (layers.broken_fences, "Agent/Commands/A.swift", "import NIOCore"),
    (layers.broken_fences, "Coordinator/AuditSink/A.swift", "import GRDB"),
    (layers.broken_fences, "Coordinator/People/A.swift", "import HTTPTypes"),
    (layers.broken_fences, "Agent/OAuth/A.swift", "import CCurl"),
    (layers.broken_fences, "Shared/Policy/A.swift", "import FoundationEssentials"),
    (layers.broken_fences, "Agent/Spool/A.swift", "internal import AuditReport"),
    (layers.statuses_in_domain, "Coordinator/People/A.swift", "throw Answer(status: 409)"),
    (layers.statuses_in_domain, "Coordinator/Fleet/A.swift", "throw Problem.taken"),
    (layers.codes_without_status, "Coordinator/Fleet/A.swift", 'throw Refused("gone", "It is gone.")'),
    (layers.codes_without_status, "Coordinator/Fleet/A.swift", 'throw Refused.malformed(error, code: "odd")'),
    (layers.too_long, "Agent/Wire/A.swift", "let a = 1\n" * 301),
    (layers.undocumented, "Agent/Wire/A.swift", "package struct A {}"),
    (layers.undocumented, "Agent/Wire/A.swift", "/// A.\npackage struct A {\n    package final class B {}\n}"),
    (layers.undocumented, "Agent/Wire/A.swift", "// Not documentation.\n@frozen\npackage enum A {}"),
    (layers.unexplained_sendable, "Agent/Wire/A.swift", "final class A: @unchecked Sendable {}"),
    (layers.wall_clock_waits, "Agent/Spool/A.swift", "_ = semaphore.wait(timeout: .now() + .seconds(1))"),
    (layers.wall_clock_waits, "Agent/Keyring/A.swift", "let answer = group.wait(timeout: deadline)"),
    (layers.wall_clock_waits, "Coordinator/Fleet/A.swift", "queue.asyncAfter(wallDeadline: .now() + 1) {}"),
    (layers.wall_clock_waits, "Shared/Fetch/A.swift", "condition.wait(until: end)\nlet condition = NSCondition()"),
    (layers.wall_clock_waits, "Shared/Fetch/A.swift", "Thread.sleep(forTimeInterval: 1)"),
    (layers.wall_clock_waits, "Agent/OAuth/A.swift", "let end = Date().addingTimeInterval(5)"),
    (layers.wall_clock_waits, "Agent/Spool/A.swift", "pthread_cond_timedwait(condition, mutex, &deadline)"),
    (layers.wall_clock_waits, "Agent/Spool/A.swift", "clock_gettime(CLOCK_REALTIME, &now)"),
    (layers.unfinished, "Agent/Wire/A.swift", "// TODO: later"),
]


@pytest.mark.parametrize(("check", "path", "text"), SEEDED, ids=lambda value: getattr(value, "__name__", None))
def test_a_breach_is_found(check, path, text, tmp_path):
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    file.write_text(text)
    assert check(tmp_path)


def test_a_name_without_a_room_is_found(tmp_path):
    for half, names in layers.LAYERS.items():
        for name in names:
            (tmp_path / half / name).mkdir(parents=True)
    assert layers.names_without_rooms(tmp_path) == []
    (tmp_path / "Agent" / "Wire").rmdir()
    assert [why for _, why in layers.names_without_rooms(tmp_path)] == ["Wire has no folder"]


def test_a_circle_is_found(tmp_path):
    for name, other in (("Spool", "Wire"), ("Wire", "Upstreams"), ("Upstreams", "Spool")):
        file = tmp_path / "Agent" / name / "A.swift"
        file.parent.mkdir(parents=True)
        file.write_text(f"import {other}")
    assert layers.circles(tmp_path)


def test_what_is_allowed_is_not_found(tmp_path):
    good = {
        "Agent/Forwarding/A.swift": "import NIOCore\npackage import StrictJSON\n// import Database\n"
        'let words = "import Database"\n',
        "Agent/Wire/A.swift": "/// Documented.\n@usableFromInline\npackage struct A: Hashable {\n"
        "    package static func == (a: A, b: A) -> Bool { true }\n}\n"
        "// Guarded by its event loop.\nfinal class B: @unchecked Sendable {}\n",
        "Agent/Spool/A.swift": "pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)\n"
        "pthread_cond_timedwait(condition, mutex, &deadline)\nsignal.wait(atMost: .seconds(1))\n"
        "// Unlike semaphore.wait(timeout: .now())\nlet born = Date(timeIntervalSince1970: 0)\n",
        "Coordinator/doorward-coordinator/main.swift": "import ArgumentParser\nimport CoordinatorCore\n",
    }
    for path, text in good.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True)
        file.write_text(text)
    for check in CHECKS:
        assert not check(tmp_path), check.__name__
