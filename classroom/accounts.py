"""The accounts of the class: real users of this machine, and the passwords with which they log in to the hub.

A password works at the hub only: the machine's own password is locked. The hub reads the table at each login, so a change
takes effect at once.

    python accounts.py add LIST.csv ADDRESS [--class-password]
    python accounts.py new-password LOGIN ADDRESS
    python accounts.py remove LOGIN...
"""

import argparse
import csv
import fcntl
import grp
import hashlib
import hmac
import json
import os
import pwd
import re
import secrets
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

STATE = Path(__file__).parent / "state"
TABLE = STATE / "accounts.json"
RUN = Path("/run/mnist-class")
GROUP = "mnist-class"
ROLES = ("student", "teacher")
LOGIN = re.compile(r"[a-z][a-z0-9_-]{0,30}")  # what useradd and the hub both accept
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # without those that look alike on paper
LEAST_LETTERS = 8


def read():
    """The accounts: for each login a dictionary with its name, role, password (hashed) and mustChange."""
    return json.loads(TABLE.read_text("utf-8")) if TABLE.exists() else {}


@contextmanager
def changing():
    """Locks the table, and writes it back at the end."""
    with open(STATE / "accounts.lock", "w", opener=private) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        table = read()
        yield table
        partial = TABLE.with_suffix(".partial")
        with open(partial, "w", encoding="utf-8", opener=private) as file:
            json.dump(table, file, ensure_ascii=False, indent=2)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(TABLE)


def private(path, flags):
    return os.open(path, flags, 0o600)


def hashed(password):
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}:{scrypt(password, salt).hex()}"


def is_right(password, stored):
    """Whether this is the password. Takes 0.05 s and 16 MB, which slows down those who try many."""
    salt, key = (bytes.fromhex(part) for part in stored.split(":"))
    return hmac.compare_digest(scrypt(password, salt), key)


def scrypt(password, salt):
    return hashlib.scrypt(password.encode("utf-8"), salt=salt, n=2**14, r=8, p=1)


def first_password():
    """Random, 58 bits, easy to type."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(3))


class Problem(Exception):
    """What is wrong, as sentences for the teacher."""


def people_in(path):
    """The rows of a list: login, name and role.

    Raises Problem with a sentence for each wrong line.
    """
    try:
        contents = Path(path).read_bytes()
    except OSError as error:
        raise Problem(f"{path} cannot be read ({error.strerror}): expected a file with lines of login,name.") from error
    try:
        text = contents.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = contents.decode("cp949", "replace")  # as Excel in Korean saves CSV
    people, problems, seen = [], [], {}
    for number, row in enumerate(csv.reader(text.splitlines()), start=1):
        login, name, role, *others = [field.strip() for field in row] + [""] * (3 - len(row))
        if not any(row) or (number == 1 and login.lower() == "login"):
            continue
        role = role.lower() or "student"
        if not LOGIN.fullmatch(login):
            remedy = f"such as s{login}" if login.isdigit() else "such as s01"
            problems.append(
                f"line {number}: {login!r} is not a login (expected at most 31 of a-z, 0-9, - and _, and first a letter, "
                f"{remedy})."
            )
        elif login in seen:
            problems.append(f"line {number}: the login {login} is already in line {seen[login]}.")
        elif not name or not name.isprintable():
            problems.append(f"line {number}: {login} has no name that can be printed (expected login,name).")
        elif role not in ROLES or any(others):
            problems.append(f"line {number}: expected login,name or login,name,role, and as role student or teacher.")
        elif is_foreign(login):
            problems.append(f"line {number}: {login} is a user of this machine who is not in the class: choose another login.")
        seen.setdefault(login, number)
        people.append((login, name, role))
    if problems:
        raise Problem("\n".join([f"{path} was not used:", *problems]))
    if not people:
        raise Problem(f"{path} names nobody (expected lines of login,name).")
    return people


def is_foreign(login):
    try:
        return pwd.getpwnam(login).pw_gid != grp.getgrnam(GROUP).gr_gid
    except KeyError as error:
        return "getgrnam" in str(error)


def exists(login):
    try:
        return bool(pwd.getpwnam(login))
    except KeyError:
        return False


def add_user(login):
    """Makes a user of this machine, with a home that nobody else may enter, who can log in at the hub only."""
    if exists(login):
        return
    subprocess.run(["groupadd", "--force", GROUP], check=True)
    private_home = ["--create-home", "-K", "HOME_MODE=0700", "-K", "UMASK=077"]
    subprocess.run(
        ["useradd", *private_home, "--no-user-group", "--gid", GROUP, "--shell", "/usr/sbin/nologin", login], check=True
    )


def add(path, class_password):
    """Makes the accounts of a list that do not exist yet.

    Returns the new ones with their first passwords.
    """
    people = people_in(path)
    shared = first_password() if class_password else None
    new = []
    with changing() as table:
        for login, name, role in people:
            add_user(login)
            if login in table:
                print(f"{login} exists already, and keeps the password.")
                continue
            is_shared = shared and role == "student"
            password = shared if is_shared else first_password()
            table[login] = {"name": name, "role": role, "password": hashed(password), "mustChange": not is_shared}
            new.append((login, name, password))
    return new


def renew(login):
    """Gives an account a new first password, and returns it."""
    with changing() as table:
        if login not in table:
            raise Problem(f"There is no account {login} (expected one of {', '.join(sorted(table)) or 'none yet'}).")
        password = first_password()
        table[login] |= {"password": hashed(password), "mustChange": True}
        return [(login, table[login]["name"], password)]


def remove(logins):
    """Deletes accounts with their homes. Their processes must have ended."""
    with changing() as table:
        for login in logins:
            table.pop(login, None)
            if exists(login) and not is_foreign(login):
                # It also warns, such as of a mail spool that there never was.
                done = subprocess.run(["userdel", "--remove", login], capture_output=True, text=True, check=False)
                if done.returncode:
                    raise Problem(f"userdel could not delete {login}: {done.stderr.strip()}")
            shutil.rmtree(RUN / login, ignore_errors=True)


def print_sheet(accounts, address):
    """One strip for each person, to be cut along the lines. The passwords are written nowhere else."""
    cut = "- " * 36
    for login, name, password in accounts:
        print(cut, f"  {name}", "", f"  address    {address}", f"  login      {login}", f"  password   {password}", sep="\n")
    print(cut)
    print("Print this now: the passwords are shown this once.")


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    adding = commands.add_parser("add")
    adding.add_argument("list")
    adding.add_argument("address")
    adding.add_argument("--class-password", action="store_true")
    renewing = commands.add_parser("new-password")
    renewing.add_argument("login")
    renewing.add_argument("address")
    removing = commands.add_parser("remove")
    removing.add_argument("logins", nargs="+")
    options = parser.parse_args()
    try:
        if options.command == "remove":
            remove(options.logins)
            return
        accounts = add(options.list, options.class_password) if options.command == "add" else renew(options.login)
    except Problem as problem:
        sys.exit(str(problem))
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error.cmd[0]} failed (see above): fix the cause and run the same command again.")
    if accounts:
        print_sheet(accounts, options.address)
    else:
        print("There was no new account to make.")


if __name__ == "__main__":
    main()
