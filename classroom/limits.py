"""What a student's server and its kernels may use of the machine. The spawner calls both functions, as root."""


def before_start(spawner):
    """Called before a student's server is started. What this returns is added to the server's environment."""
    return {}


def after_start(spawner):
    """Called when a student's server, the process spawner.pid, has just been started; its kernels come later."""
