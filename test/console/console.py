"""Uses jupyter console in a terminal, as a person would, and prints what it showed as one JSON object.

`beside` is what a console shows that joins the kernel of another client, `alone` what one shows that starts a kernel itself.
"""

import json
import os
import pty
import re
import select
import signal
import sys
import time

from jupyter_client.manager import start_new_kernel

TIMEOUT = 60
CURSOR_QUESTION, CURSOR_ANSWER = b"\x1b[6n", b"\x1b[1;1R"


class Console:
    """jupyter console in a terminal of its own."""

    def __init__(self, *args):
        self.shown = b""
        self.read_until = 0
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm"
            os.execv(sys.executable, [sys.executable, "-m", "jupyter_console", *args])

    def until(self, pattern):
        """Waits until the console shows something new."""
        end = time.monotonic() + TIMEOUT
        while not (found := re.search(pattern, self.text()[self.read_until :])):
            if not select.select([self.terminal], [], [], max(0, end - time.monotonic()))[0]:
                raise TimeoutError(f"{pattern} did not appear in:\n{self.text()}")
            data = os.read(self.terminal, 1 << 16)
            if CURSOR_QUESTION in data:
                os.write(self.terminal, CURSOR_ANSWER)
            self.shown += data
        self.read_until += found.end()

    def type(self, line):
        os.write(self.terminal, line.encode() + b"\r")

    def text(self):
        """What was shown, without colours and movements of the cursor."""
        text = self.shown.decode(errors="replace")
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)

    def close(self):
        os.kill(self.pid, signal.SIGKILL)  # a kernel that it has started ends by itself
        os.waitpid(self.pid, 0)
        os.close(self.terminal)


def beside():
    manager, client = start_new_kernel(kernel_name="tslab")
    console = Console(
        "--existing",
        manager.connection_file,
        "--ZMQTerminalInteractiveShell.include_other_output=True",
    )
    console.until(r"In \[\d+\]: ")
    client.execute("let count = 20;\nconsole.log('from the other client');\ncount * 2")
    console.until(r"(?s)from the other client.*?40")
    console.type("count + 1")
    console.until(r"Out\[2\]: 21")
    console.close()
    manager.shutdown_kernel(now=True)
    return console.text()


def alone():
    console = Console("--kernel", "tslab")
    console.until(r"In \[1\]: ")
    console.type("const pair = {")
    console.until(r"\.\.\.: ")
    console.type("a: 5 }; pair.a * 2")
    console.until(r"Out\[1\]: 10")
    console.until(r"In \[2\]: ")
    console.type("throw new Error('on purpose')")
    console.until(r"Error: on purpose")
    console.until(r"In \[3\]: ")
    console.close()
    return console.text()


print(json.dumps({"beside": beside(), "alone": alone()}))
