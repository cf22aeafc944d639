"""Run test modules of CPython; print how many tests ran and each one that failed, was skipped or had an error."""

import os
import subprocess
import sys
import tempfile
from xml.etree import ElementTree as ET

with tempfile.TemporaryDirectory() as directory:
    report = os.path.join(directory, "report.xml")
    options = ["--junit-xml", report, "--tempdir", directory, "--timeout", "240"]
    command = [sys.executable, "-m", "test", *options, *sys.argv[1:]]
    with open(os.path.join(directory, "log"), "wb") as log:
        status = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False).returncode
    cases = list(ET.parse(report).iter("testcase")) if os.path.exists(report) else []

print("status", status)
print("tests", len(cases))
for case in sorted(cases, key=lambda case: case.get("name", "")):
    for outcome in case:
        if outcome.tag in ("failure", "error", "skipped"):
            print(case.get("name"), outcome.tag)
sys.exit(not cases)
