"""Runs nbgrader for a class, and students' code as a user who owns nothing.

The code of a submission can read neither the gradebook nor a home nor another submission.
"""

import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import accounts
import limits
from as_user import Failed, as_user, become
from jupyter_client.manager import AsyncKernelManager
from nbgrader.apps import NbGraderApp
from nbgrader.preprocessors import execute

GRADER = "mnist-grader"
PASSED_ON = ("PATH", "LANG", "XDG_CACHE_HOME", "NBGRADER_EXECUTION")


def user():
    try:
        return pwd.getpwnam(GRADER)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"]
        subprocess.run([*command, GRADER], check=True)
        return pwd.getpwnam(GRADER)


def end_processes():
    """Ends what a submission has left running, which could look on at the next one."""
    try:
        as_user(GRADER, lambda _folder: os.kill(-1, signal.SIGKILL))
    except Failed:
        pass  # there was none


class GraderKernelManager(AsyncKernelManager):
    """Starts the kernel as the grader, in an empty folder that is deleted afterwards."""

    async def _async_pre_start_kernel(self, **options):
        grader = user()
        limits.prepare(GRADER)  # as for a student: a submission may use up memory
        # One submission at a time, also if two people grade.
        self.lock = open(accounts.STATE / "grader.lock", "w")  # open until the kernel has ended
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        end_processes()
        self.outside = Path(tempfile.mkdtemp(prefix="mnist-grading-"))
        self.outside.chmod(0o711)
        folder = self.outside / "work"
        folder.mkdir(mode=0o700)
        # Sockets in that folder: at a TCP port, every user of the machine could read the outputs.
        self.transport = "ipc"
        self.connection_file = str(folder / "kernel.json")
        command, options = await super()._async_pre_start_kernel(**options)
        for path in (self.connection_file, folder):
            os.chown(path, grader.pw_uid, grader.pw_gid)

        def enter():
            limits.enter(GRADER)
            become(grader)
            os.chdir(folder)

        passed_on = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        own = {"HOME": str(folder), "TMPDIR": str(folder)}
        return command, {
            **options,
            "cwd": "/",
            "env": {**passed_on, **self.kernel_spec.env, **limits.environment(1), **own},
            "preexec_fn": enter,
            "stdout": subprocess.DEVNULL,
            "stderr": subprocess.DEVNULL,
        }

    async def _async_cleanup_resources(self, restart=False):
        await super()._async_cleanup_resources(restart)
        end_processes()
        limits.remove(GRADER)
        shutil.rmtree(self.outside, ignore_errors=True)
        self.lock.close()

    # nbclient calls it by this name.
    cleanup_resources = _async_cleanup_resources


if __name__ == "__main__":
    # The kernel of each command that runs code. nbgrader has no setting for it, and goes on after an error in its settings.
    execute.AsyncKernelManager = GraderKernelManager
    NbGraderApp.launch_instance()
