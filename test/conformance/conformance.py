"""The Jupyter project's conformance suite for kernels, jupyter_kernel_test, with cells in TypeScript.

Tests the kernel that the environment variable KERNEL_NAME names. Prints unittest's report to stderr, and to stdout one
JSON object: for each check that ran, a list of what was skipped or failed, empty for a check that passed.
"""

import json
import os
import unittest

import jupyter_kernel_test
from jupyter_kernel_test import TIMEOUT, ensure_sync

KERNEL_NAME = os.environ.get("KERNEL_NAME", "tslab")


class PatientKernelTests(jupyter_kernel_test.KernelTests):
    """The suite, without its waits of 0.1 s, too short for a busy machine, and without its endless ones."""

    def get_non_kernel_info_reply(self, timeout=None):
        return super().get_non_kernel_info_reply(TIMEOUT if timeout is None else timeout)

    def execute_helper(self, *args, **kwargs):
        channel = self.kc.iopub_channel
        get_msg = ensure_sync(channel.get_msg)
        channel.get_msg = lambda timeout: get_msg(timeout=TIMEOUT)
        try:
            return super().execute_helper(*args, **kwargs)
        finally:
            del channel.get_msg


class TypeScriptTests(PatientKernelTests):
    kernel_name = KERNEL_NAME
    language_name = "typescript"
    file_extension = ".ts"

    code_hello_world = "console.log('hello, world');"
    code_stderr = "console.error('to stderr');"
    code_generate_error = "throw new RangeError('too far');"
    code_display_data = [{"code": "import { display } from 'tslab';\ndisplay.html('<b>x</b>');", "mime": "text/html"}]
    code_inspect_sample = "console.log"

    # `matches` must be all that the kernel offers.
    completion_samples = [
        {"text": "Math.hyp", "matches": {"hypot"}},
        {"text": "const text: string = 'one';\ntext.toUpperC", "matches": {"toUpperCase"}},
        {"text": "consol"},
    ]

    complete_code_samples = [
        "6 * 7",
        "const text = `one\ntwo`;",
        "function double(x: number): number {\n  return 2 * x;\n}",
        "await Promise.resolve(1);",
        "for await (const x of [1, 2]) {\n  console.log(x);\n}",
        "import * as fs from 'node:fs';",
        "// a comment",
        "",
    ]
    incomplete_code_samples = [
        "const text = `one",
        "const text = `one ${",
        "function f() {",
        "class Layer {\n  units = 3;",
        "[1, 2,",
        "const sum = 1 +",
        "if (true) {\n  console.log(1);",
        "console.log('one',",
        "/* a comment",
    ]
    invalid_code_samples = ["let 1x = 2", "}", "const = 3;", "6 * * 7"]

    code_execute_result = [
        {"code": "6 * 7", "result": "42"},
        {"code": "'text'", "result": "'text'"},
        {"code": "[1, 2, 3].map((x) => x ** 2)", "result": "[ 1, 4, 9 ]"},
        {"code": "const answer: number = 42;\nawait Promise.resolve({ answer })", "result": "{ answer: 42 }"},
        {"code": "null", "result": "null"},
    ]
    code_history_pattern = "6 ?*7"
    supported_history_operations = ("tail", "range", "search")


@unittest.skip("Iopub welcome messages are not supported")
class IopubWelcomeTests(jupyter_kernel_test.IopubWelcomeTests):
    kernel_name = KERNEL_NAME
    support_iopub_welcome = True


class Result(unittest.TextTestResult):
    """Also keeps `outcomes`: for each check, what was skipped or failed, of it or of a part of it."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.outcomes = {}

    def startTest(self, test):
        super().startTest(test)
        self.notes(test)

    def stopTestRun(self):
        super().stopTestRun()
        for test, reason in self.skipped:
            self.notes(test).append(f"skipped: {reason}")
        for test, traceback in self.failures + self.errors:
            self.notes(test).append(f"{test}: {traceback}")

    def notes(self, test):
        # A part of a check has the check's id and, after a blank, its own.
        return self.outcomes.setdefault(test.id().split()[0].split(".")[-1], [])


def run(*cases):
    # Kernels inherit stdout: what they write there goes to stderr.
    stdout = os.dup(1)
    os.dup2(2, 1)
    suite = unittest.TestSuite(map(unittest.defaultTestLoader.loadTestsFromTestCase, cases))
    result = unittest.TextTestRunner(verbosity=2, resultclass=Result).run(suite)
    with open(stdout, "w") as report:
        json.dump(result.outcomes, report)


if __name__ == "__main__":
    run(TypeScriptTests, IopubWelcomeTests)
