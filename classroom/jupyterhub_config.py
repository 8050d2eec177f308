"""The hub of the class. `npm run classroom` starts it, with the ports and the proxy's token in the environment."""

import os
import sys
from pathlib import Path

os.umask(0o077)  # for the database, the cookie secret, and the students' servers
classroom = Path(__file__).resolve().parent
project = classroom.parent
sys.path.insert(0, str(classroom))

import accounts
from authenticator import TEACHERS, ClassAuthenticator
from spawner import ClassSpawner

c = get_config()  # JupyterHub provides it

# The proxy and the students' servers are processes of their own, which live on when the hub ends.
c.JupyterHub.bind_url = os.environ["CLASSROOM_URL"]
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{os.environ['CLASSROOM_HUB_PORT']}"
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{os.environ['CLASSROOM_PROXY_PORT']}"
c.JupyterHub.cleanup_servers = False
c.JupyterHub.cleanup_proxy = False

c.JupyterHub.db_url = f"sqlite:///{accounts.STATE / 'jupyterhub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(accounts.STATE / "cookie-secret")
c.JupyterHub.template_paths = [str(classroom / "templates")]

c.JupyterHub.authenticator_class = ClassAuthenticator
people = accounts.read()
c.Authenticator.allowed_users = set(people)
c.JupyterHub.services = [{"name": "classroom", "api_token": os.environ["CLASSROOM_TOKEN"]}]
c.JupyterHub.load_roles = [
    {"name": "classroom", "services": ["classroom"], "scopes": ["proxy", "admin:users", "list:users", "read:servers"]},
    # Teachers see who is there, and start and stop servers. They can enter a server only if its student allows that.
    {"name": "teacher", "groups": [TEACHERS], "scopes": ["list:users", "read:users", "servers"]},
]

jupyter = project / ".venv" / "share" / "jupyter"
config = project / ".venv" / "etc" / "jupyter"
c.JupyterHub.spawner_class = ClassSpawner
c.Spawner.cmd = [sys.executable, str(classroom / "student_server.py")]
c.Spawner.notebook_dir = "~/my-mnist-lecture"
c.Spawner.default_url = f"/lab/tree/{os.environ['CLASSROOM_NOTEBOOK']}"
c.Spawner.disable_user_config = True
c.Spawner.env_keep = []
c.Spawner.environment = {
    "PATH": f"{Path(sys.executable).parent}:{os.environ['CLASSROOM_NODE']}:/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "JUPYTER_PATH": str(jupyter),
    "JUPYTER_CONFIG_PATH": f"{classroom}:{config}",
    "JUPYTER_PREFER_ENV_PATH": "1",
}
c.Spawner.poll_interval = 5  # seconds until the hub notices that a server has ended
c.Spawner.http_timeout = 300  # seconds: a whole class starts at the same time
c.Spawner.start_timeout = 300
