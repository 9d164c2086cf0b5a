"""Adds up JUnit files as `PASSED FAILED SKIPPED`; fails when there is no file to add up."""

import sys
import xml.etree.ElementTree as xml


def main(paths: list[str]) -> int:
    tests = failed = skipped = files = 0
    for path in paths:
        try:
            tree = xml.parse(path)
        except (OSError, xml.ParseError):
            continue
        files += 1
        for case in tree.iter("testcase"):
            tests += 1
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
            elif case.find("skipped") is not None:
                skipped += 1
    if not files:
        return 1
    print(tests - failed - skipped, failed, skipped)
    return 0


sys.exit(main(sys.argv[1:]))
