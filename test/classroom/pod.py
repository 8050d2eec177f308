"""Prints the pod that KubeSpawner makes for a student, as JSON, from values files of Zero to JupyterHub's chart.

The chart itself is in no package registry; render.py checks the values against it where it can be fetched. This reads
the values that classroom/kubernetes uses, by their description in the chart's reference, and refuses others.
"""

import asyncio
import json
import sys

import values
from jupyterhub.app import JupyterHub
from kubespawner import KubeSpawner
from traitlets.config import Config

TRAITS = {
    "cmd": "cmd",
    "defaultUrl": "default_url",
    "memory.guarantee": "mem_guarantee",
    "memory.limit": "mem_limit",
    "cpu.guarantee": "cpu_guarantee",
    "cpu.limit": "cpu_limit",
    "storage.capacity": "storage_capacity",
    "startTimeout": "start_timeout",
}
OTHER_VALUES = {
    "prePuller.hook.enabled": bool,
    "prePuller.continuous.enabled": bool,
    "cull.enabled": bool,
    "cull.timeout": int,
}


async def main():
    own = values.read(sys.argv[1:])
    hub_config = own.pop("hub", {}).pop("config", {})
    singleuser = own.pop("singleuser")
    image = singleuser.pop("image")
    for name, value in flat(own):
        expect(isinstance(value, OTHER_VALUES[name]), f"{name}: {value!r} (expected {OTHER_VALUES[name].__name__})")
    spawner = make_spawner(
        {
            "image": f"{image['name']}:{image['tag']}",
            "environment": singleuser.pop("extraEnv"),
            **{TRAITS[name]: value for name, value in flat(singleuser)},
        }
    )
    pod = await spawner.get_pod_manifest()
    authenticator = make_authenticator(hub_config)
    result = {
        "container": spawner.api.api_client.sanitize_for_serialization(pod.spec.containers[0]),
        "startTimeout": spawner.start_timeout,
        "home": spawner.storage_capacity,
        "authenticator": type(authenticator).__name__,
        "allowAll": authenticator.allow_all,
        "allowed": sorted(authenticator.allowed_users | authenticator.admin_users),
    }
    print(json.dumps(result))


def make_spawner(traits):
    spawner = KubeSpawner(_mock=True, config=Config(KubeSpawner=traits))  # traitlets checks the types
    spawner.api_token = "a-token"
    return spawner


def make_authenticator(hub_config):
    config = Config(hub_config)
    authenticator_class = JupyterHub(config=config).authenticator_class
    classes = {each.__name__: each for each in [JupyterHub, *authenticator_class.mro()]}
    for name, traits in hub_config.items():
        unknown = traits.keys() - set(classes[name].class_trait_names(config=True))
        expect(not unknown, f"hub.config.{name}: {unknown} is unknown")
    return authenticator_class(config=config)


def expect(condition, message):
    if not condition:
        raise SystemExit(message)


def flat(values, prefix=""):
    for name, value in values.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


if __name__ == "__main__":
    asyncio.run(main())
