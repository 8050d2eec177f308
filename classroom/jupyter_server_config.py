"""Settings of the students' servers. A student's own settings files are not read."""

from pathlib import Path

HOUR = 3600  # seconds

project = Path(__file__).parent.parent
c = get_config()  # Jupyter provides it

# JupyterLab's extension, kernelspec and exports are found by JUPYTER_PATH and JUPYTER_CONFIG_PATH, its settings by this.
c.LabApp.app_settings_dir = str(project / ".venv" / "share" / "jupyter" / "lab" / "settings")
# Sockets in a folder of the student's own: at a TCP port, every user of the machine could read a kernel's output.
c.KernelManager.transport = "ipc"

# Kernels and terminals that nobody has used for an hour are ended; a kernel that computes counts as used. A server without
# any ends after an hour without activity.
c.MappingKernelManager.cull_idle_timeout = HOUR
c.MappingKernelManager.cull_interval = HOUR // 12
c.MappingKernelManager.cull_connected = True
c.TerminalManager.cull_inactive_timeout = HOUR
c.ServerApp.shutdown_no_activity_timeout = HOUR
