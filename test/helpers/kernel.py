"""Starts a kernel as Jupyter does and passes its messages on, a line of JSON each; kernel.ts talks to it.

Ends, and the kernel with it, when its standard input does: whoever started it cannot leave a kernel behind.
"""

import asyncio
import json
import os
import signal
import sys

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
        self.tasks = [asyncio.create_task(self.pass_on(name, channel)) for name, channel in channels.items()]
        self.tasks.append(asyncio.create_task(self.watch()))
        return self.manager.provisioner.pid

    async def pass_on(self, name, channel):
        while True:
            message = await channel.get_msg()
            fields = ("msg_type", "content", "parent_header")
            say({"event": name, **{field: message[field] for field in fields}})

    async def watch(self):
        while await self.manager.is_alive():
            await asyncio.sleep(0.1)
        say({"event": "dead"})

    async def send(self, id, msg_type, content):
        message = self.client.session.msg(msg_type, content)
        message["msg_id"] = message["header"]["msg_id"] = id
        self.client.shell_channel.send(message)

    async def interrupt(self):
        """As the manager does it, but returns only once the kernel has taken it, where it can say so."""
        if self.manager.kernel_spec.interrupt_mode == "message":
            self.client.control_channel.send(self.client.session.msg("interrupt_request", {}))
            await self.client.control_channel.get_msg()
        else:
            await self.manager.interrupt_kernel()

    async def connection(self):
        """Addresses, ports and the key, for further clients; and the file that holds them."""
        info = self.manager.get_connection_info()
        return {**info, "key": info["key"].decode(), "file": self.manager.connection_file}

    async def kill(self):
        os.kill(self.manager.provisioner.pid, signal.SIGKILL)

    async def restart(self):
        self.forget_tasks()
        await self.manager.restart_kernel(now=True)
        return await self.ready()

    async def stop(self):
        self.forget_tasks()
        if self.manager.has_kernel:
            await self.manager.shutdown_kernel(now=True)

    def forget_tasks(self):
        for task in self.tasks:
            task.cancel()
        self.tasks = []


def say(message):
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
                say({"number": number, "value": await getattr(bridge, command.pop("do"))(**command)})
            except Exception as error:
                say({"number": number, "error": f"{type(error).__name__}: {error}"})
    finally:
        await bridge.stop()


asyncio.run(main())
