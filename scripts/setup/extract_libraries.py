"""Extracts TensorFlow's two libraries and its C headers from its wheel: extract_libraries.py FOLDER_OF_WHEEL TARGET"""

import re
import sys
import zipfile
from pathlib import Path

MEMBER = re.compile(
    r"tensorflow/(?:(?P<library>libtensorflow_(?:cc|framework)\.(?:so\.2|2\.dylib))"
    r"|(?P<header>include/(?:tensorflow/c|tensorflow/core/platform/ctstring|tsl/platform/ctstring|xla/tsl/c).*\.h))"
)

download, target = sys.argv[1:]
[path] = Path(download).glob("*.whl")
with zipfile.ZipFile(path) as wheel:
    for member in wheel.infolist():
        if found := MEMBER.fullmatch(member.filename):
            member.filename = found["library"] or found["header"]
            wheel.extract(member, target)
