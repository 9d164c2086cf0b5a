"""Adds up JUnit files as `PASSED FAILED SKIPPED`, and names what failed, a line each; fails when there is no file."""

import sys
import xml.etree.ElementTree as xml


def main(paths: list[str]) -> int:
    tests = skipped = files = 0
    failed: list[str] = []
    for path in paths:
        try:
            tree = xml.parse(path)
        except (OSError, xml.ParseError):
            continue
        files += 1
        for case in tree.iter("testcase"):
            tests += 1
            if case.find("failure") is not None or case.find("error") is not None:
                failed.append(f"{case.get('classname')}: {case.get('name')}")
            elif case.find("skipped") is not None:
                skipped += 1
    if not files:
        return 1
    print(tests - len(failed) - skipped, len(failed), skipped)
    for name in failed:
        print(name)
    return 0


sys.exit(main(sys.argv[1:]))
