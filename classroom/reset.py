"""Lays a notebook into a student's home as it was handed out. The student's own is kept beside it.

    python reset.py LOGIN NOTEBOOK
"""

import sys

import accounts
import home
from as_user import Failed, as_user


def main(login, notebook):
    originals = home.originals()
    if login not in accounts.read():
        sys.exit(f"There is no account {login} (expected one of {', '.join(sorted(accounts.read())) or 'none yet'}).")
    if notebook not in originals:
        sys.exit(f"No notebook {notebook} was handed out (expected one of {', '.join(originals)}).")
    try:
        kept = as_user(login, lambda work: home.reset(work, notebook)).decode()
    except (Failed, KeyError) as error:
        sys.exit(f"{notebook} of {login} was not reset: {error}.")
    print(f"{login} has {notebook} as it was handed out." + (f" The student's own is beside it, as {kept}." if kept else ""))
    print("If it is open in the browser, the student chooses Revert when JupyterLab says that the file has changed.")


if __name__ == "__main__":
    main(*sys.argv[1:])
