"""Starts a kernel as Jupyter does and forwards its messages as lines of JSON to kernel.ts.

Ends itself and the kernel when its standard input ends, so that no kernel is left behind.
"""

import asyncio
import json
import os
import signal
import sys
from queue import Empty

from jupyter_client import AsyncKernelManager


class Bridge:
    def __init__(self, name, cwd):
        self.manager = AsyncKernelManager(kernel_name=name)
        self.cwd = cwd
        self.tasks = []

    async def start(self):
        # The kernel's own standard output must not mix with the lines of JSON.
        await self.manager.start_kernel(cwd=self.cwd, stdout=sys.stderr, stderr=sys.stderr)
        self.client = self.manager.client()
        self.client.start_channels()
        return await self.ready()

    async def ready(self):
        await self.client.wait_for_ready(timeout=60)
        channels = {"iopub": self.client.iopub_channel, "shell": self.client.shell_channel}
        self.tasks = [asyncio.create_task(self.forward(name, channel)) for name, channel in channels.items()]
        self.tasks.append(asyncio.create_task(self.watch()))
        for task in self.tasks:
            task.add_done_callback(report_failure)
        return self.manager.provisioner.pid

    async def forward(self, name, channel):
        while True:
            message = await receive(channel)
            fields = ("msg_type", "content", "parent_header")
            write({"event": name, **{field: message[field] for field in fields}})

    async def watch(self):
        while await self.manager.is_alive():
            await asyncio.sleep(0.1)
        status = await self.manager.provisioner.poll()
        write({"event": "dead", "status": signal.Signals(-status).name if status < 0 else str(status)})

    async def send(self, id, msg_type, content, metadata=None):
        message = self.client.session.msg(msg_type, content, metadata=metadata)
        message["msg_id"] = message["header"]["msg_id"] = id
        self.client.shell_channel.send(message)

    async def interrupt(self):
        """Interrupts as the manager does, but waits for the kernel's reply if there is one."""
        if self.manager.kernel_spec.interrupt_mode == "message":
            self.client.control_channel.send(self.client.session.msg("interrupt_request", {}))
            while True:
                try:
                    await self.client.control_channel.get_msg(timeout=1)
                    return
                except Empty:
                    if not await self.manager.is_alive():
                        raise RuntimeError("The kernel died") from None
        else:
            await self.manager.interrupt_kernel()

    async def connection(self):
        """Returns addresses, ports and the key for further clients, and the path of the connection file."""
        info = self.manager.get_connection_info()
        return {**info, "key": info["key"].decode(), "file": self.manager.connection_file}

    async def kill(self):
        os.kill(self.manager.provisioner.pid, signal.SIGKILL)

    async def restart(self):
        self.cancel_tasks()
        await self.manager.restart_kernel(now=True)
        return await self.ready()

    async def stop(self):
        self.cancel_tasks()
        if self.manager.has_kernel:
            await self.manager.shutdown_kernel(now=True)

    def cancel_tasks(self):
        for task in self.tasks:
            task.cancel()
        self.tasks = []


async def receive(channel):
    """Returns the next message. Looks for it each second, whether or not ZeroMQ has announced one."""
    while True:
        try:
            return await channel.get_msg(timeout=1)
        except Empty:
            pass


def report_failure(task):
    """Ends the tests with the cause, instead of letting each of them wait in vain."""
    if not task.cancelled() and task.exception():
        write({"event": "dead", "status": f"kernel.py failed: {task.exception()!r}"})


def write(message):
    print(json.dumps(message, default=str), flush=True)


async def main():
    name, cwd = sys.argv[1:]
    bridge = Bridge(name, cwd)
    lines = asyncio.StreamReader(limit=2**26)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    try:
        while line := await lines.readline():
            command = json.loads(line)
            number = command.pop("number")
            try:
                write({"number": number, "value": await getattr(bridge, command.pop("do"))(**command)})
            except Exception as error:
                write({"number": number, "error": f"{type(error).__name__}: {error}"})
    finally:
        await bridge.stop()


asyncio.run(main())
