"""A person's own copies of the notebooks, where the project's folder may not be written to: in a class, in the image, and
with `npm start`.

A new release brings what is new. It never overwrites what the person has touched: the changed original is laid beside it,
named with its date. Runs as that person, so it can do no harm through links that the person has made.

    python home.py FOLDER
"""

import hashlib
import itertools
import json
import os
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
NOTEBOOKS = (
    "notebooks/mnist-dense.ipynb",
    "notebooks/look-inside.ipynb",
    "notebooks/ko/mnist-dense.ipynb",
    "notebooks/exercises/exercises.ipynb",
    "notebooks/exercises/ko/exercises.ipynb",
)
# What the teacher has handed out beside these, or in place of them, in the same folders.
HANDED_OUT = PROJECT / "classroom" / "handed-out"
RECORD = ".originals.json"


def originals():
    """What students get: the names in their folder, and where the originals are."""
    handed_out = (path for path in sorted(HANDED_OUT.rglob("*")) if path.is_file() and path.suffix != ".partial")
    return {
        **{name: PROJECT / name for name in NOTEBOOKS},
        **{path.relative_to(HANDED_OUT).as_posix(): path for path in handed_out},
    }


def bring_up_to_date(work):
    """Copies the notebooks into the folder `work`."""
    work.mkdir(parents=True, exist_ok=True)
    record = read_record(work / RECORD)
    for name, original in originals().items():
        copy = work / name
        now = digest(original)
        if not copy.exists() or digest(copy) == record.get(name):
            if not copy.exists() or record[name] != now:
                write(copy, original.read_bytes())
        elif record.get(name) != now and digest(copy) != now:
            write_beside(copy, time.localtime(original.stat().st_mtime), original.read_bytes())
        record[name] = now
    write(work / RECORD, json.dumps(record, indent=2).encode())


def reset(work, name):
    """Restores an original in the folder `work`. Returns the new name of the student's copy, if there was one."""
    original, copy = originals()[name], work / name
    kept = ""
    if copy.exists():
        kept = copy.with_stem(f"{copy.stem} {time.strftime('%Y-%m-%d %H.%M.%S')}")
        os.link(copy, kept)  # fails if that name is taken
    write(copy, original.read_bytes())
    write(work / RECORD, json.dumps({**read_record(work / RECORD), name: digest(original)}, indent=2).encode())
    return kept and kept.name


def write_beside(copy, date, contents):
    """Writes a file whose name is dated. If that is taken, by an earlier one of this day, its name is also numbered."""
    for number in itertools.count(1):
        path = copy.with_stem(f"{copy.stem} {time.strftime('%Y-%m-%d', date)}" + (f" ({number})" if number > 1 else ""))
        if not path.exists() or path.read_bytes() == contents:
            return write(path, contents)


def read_record(path):
    """The digest of the original from which each copy was made. Without it, each copy counts as touched."""
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return {}


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write(path, contents):
    """Writes a file that appears whole or not at all."""
    if path.exists() and path.read_bytes() == contents:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.write_bytes(contents)
        os.replace(partial, path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


if __name__ == "__main__":
    try:
        bring_up_to_date(Path(sys.argv[1]))
    except OSError as error:
        sys.exit(f"The notebooks could not be copied into {sys.argv[1]}: {error}.")
