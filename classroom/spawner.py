"""How a student's server is started: as a process of the student's own user."""

import os
import pwd
import signal

import accounts
import limits
from jupyterhub.spawner import LocalProcessSpawner, SpawnException


class ClassSpawner(LocalProcessSpawner):
    def user_env(self, env):
        # The login shell of these users is nologin, but they may use a terminal in JupyterLab.
        return {**super().user_env(env), "SHELL": "/bin/bash", "JUPYTER_RUNTIME_DIR": str(self.make_run_folder())}

    def make_run_folder(self):
        """A folder for the server's tokens, sockets and log, which only the student may enter.

        It is not in the student's home, so that root writes nothing there, and a full home keeps no server from starting.
        """
        accounts.RUN.mkdir(exist_ok=True)
        accounts.RUN.chmod(0o711)
        folder = accounts.RUN / self.user.name
        folder.mkdir(exist_ok=True)
        folder.chmod(0o700)
        user = pwd.getpwnam(self.user.name)
        os.chown(folder, user.pw_uid, user.pw_gid)
        return folder

    def make_preexec_fn(self, name):
        become_student = super().make_preexec_fn(name)

        def in_new_process():
            limits.enter(name)
            become_student()

        return in_new_process

    async def start(self):
        try:
            limits.prepare(self.user.name)
        except limits.ShortOfMemory as reason:
            raise SpawnException(str(reason), reason="memory", status_code=503) from None
        self.environment = {**self.environment, **limits.environment(len(accounts.read()))}
        return await super().start()

    async def stop(self, now=False):
        await super().stop(now)
        limits.remove(self.user.name)

    async def _signal(self, sig):
        # On SIGTERM, a Jupyter server ends its kernels. On SIGINT without a terminal, it leaves them running.
        return await super()._signal(signal.SIGTERM if sig == signal.SIGINT else sig)
