"""Runs checkov's checks of CloudFormation over a folder of templates.

Runs in the virtualenv of requirements.txt. Prints one line for each finding: check,
file, resource and what was expected. A template that it cannot read, and a check that
a comment in a template switches off, end the program.
"""

import os
import sys

os.environ["LOG_LEVEL"] = "ERROR"

import ply.yacc

tables = {}
table = ply.yacc.LRGeneratedTable


def once(grammar, *rest):
    """The table of a grammar. Without it, ply makes the one of jsonpath for every path, for ten seconds."""
    key = str(grammar.Productions)
    if key not in tables:
        tables[key] = table(grammar, *rest)
    return tables[key]


ply.yacc.LRGeneratedTable = once

from checkov.cloudformation.runner import Runner  # noqa: E402
from checkov.runner_filter import RunnerFilter  # noqa: E402


def main(folder):
    os.chdir(folder)
    files = sorted(os.path.join(at, name) for at, _, names in os.walk(".") for name in names)
    report = Runner().run(root_folder=None, files=files, runner_filter=RunnerFilter(framework=["cloudformation"]))
    if report.parsing_errors or report.skipped_checks:
        raise SystemExit(f"cannot read {report.parsing_errors}, skipped {[c.check_id for c in report.skipped_checks]}")
    for c in report.failed_checks:
        print("  ".join((c.check_id, c.file_path.lstrip("/"), c.resource.rpartition(".")[2], c.check_name)))


if __name__ == "__main__":
    main(sys.argv[1])
