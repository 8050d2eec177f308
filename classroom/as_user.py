"""How root works in a student's home: as the student, in a process of its own.

So a link to another's file, or whatever else the student has put there, opens nothing that the student could not open.
"""

import os
import pwd
import signal
from pathlib import Path

LONGEST = 60  # seconds
LARGEST = 100_000_000  # bytes


class Failed(Exception):
    """What did not work, as the end of a sentence."""


def as_user(login, work):
    """Calls `work` with the folder of the user's notebooks, and returns the bytes or the text that it returns."""
    user = pwd.getpwnam(login)
    if user.pw_uid == 0:
        raise Failed(f"{login} is root")
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reader)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(LONGEST)  # a file may be such that reading it never ends
            with os.fdopen(writer, "wb") as pipe:
                try:
                    become(user)
                    result = work(Path(user.pw_dir) / "my-mnist-lecture")
                    pipe.write(result if isinstance(result, bytes) else str(result or "").encode())
                    status = 0
                except Exception as error:
                    pipe.write((getattr(error, "strerror", None) or str(error)).encode())
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        answer = pipe.read()
    _child, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        raise Failed(f"it took longer than {LONGEST} s, or was interrupted")
    if status:
        raise Failed(answer.decode())
    return answer


def become(user):
    """Gives up root's rights for those of the user, for good."""
    os.chdir("/")
    os.umask(0o077)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)


def read(path):
    """The contents of a regular file that is not too large."""
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:  # a named pipe would wait for a writer
        if not Path(f"/proc/self/fd/{file.fileno()}").is_file():
            raise Failed("it is not a regular file")
        contents = file.read(LARGEST + 1)
    if len(contents) > LARGEST:
        raise Failed(f"it is larger than {LARGEST // 10**6} MB")
    return contents
