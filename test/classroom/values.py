"""Values files of a Helm chart."""

from pathlib import Path

import yaml


def read(paths):
    """The values of several files; as Helm does, a later file changes what an earlier one says."""
    values = {}
    for path in paths:
        merge(values, yaml.safe_load(Path(path).read_text()))
    return values


def merge(into, values):
    for name, value in values.items():
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            merge(into[name], value)
        else:
            into[name] = value
