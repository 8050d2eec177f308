"""A student's server, started as the student: brings the notebooks into the home, then becomes JupyterLab."""

import os
import sys
from pathlib import Path

import home

os.umask(0o077)
# The server has a log of its own: students may not write to the hub's.
log = os.open(Path(os.environ["JUPYTER_RUNTIME_DIR"]) / "server.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
os.dup2(log, 1)
os.dup2(log, 2)

work = Path.home() / "my-mnist-lecture"
try:
    home.bring_up_to_date(work)
except OSError as error:
    # A full home, most likely: the student sees all of it, to make room.
    print(f"The notebooks could not be brought up to date: {error}", flush=True)
    os.environ |= {"JUPYTERHUB_ROOT_DIR": str(Path.home()), "JUPYTERHUB_DEFAULT_URL": "/lab"}

# Not at the top: these take a second.
from jupyterhub.services.auth import HubOAuth
from jupyterhub.singleuser import extension, main
from traitlets import default


class Auth(HubOAuth):
    """Asks the hub each time whether a teacher may enter, so that the student's consent takes effect at once.

    The hub's answers about the student are cached for five minutes, as by default, so the student can work without the hub.
    """

    @default("cache")
    def _cache_of_the_student(self):
        cache = super()._default_cache()
        student = os.environ["JUPYTERHUB_USER"]

        class Cache(type(cache)):
            def __setitem__(self, key, user):
                if user and user["name"] == student:
                    super().__setitem__(key, user)

        return Cache(self.cache_max_age)


extension.HubOAuth = Auth
sys.exit(main())
