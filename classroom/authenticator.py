"""How people log in: with the accounts of the table, never otherwise."""

import asyncio
import socket
import sys
import time
from pathlib import Path

import accounts
from jupyterhub.auth import Authenticator
from jupyterhub.handlers import BaseHandler, LoginHandler
from jupyterhub.orm import Share, User, new_token
from tornado import web

LONGEST_WAIT = 10  # seconds: longer, and a neighbour at the same address could lock a student out
FORGET_AFTER = 600  # seconds
CHANGE_PASSWORD = "change-password"
TEACHERS = "teachers"  # a group of the hub


class Attempts:
    """Slows down those who try passwords: each wrong one doubles the wait for the next one, which waits its turn."""

    def __init__(self):
        self.wrong = {}  # how many, and when the last one was, by login and address
        self.locks = {}

    async def check(self, login, address, is_right):
        """Whether the password is right, as `is_right` says, after the wait that is due."""
        key = (login, address)
        self.wrong = {key: value for key, value in self.wrong.items() if value[1] > time.monotonic() - FORGET_AFTER}
        self.locks = {key: lock for key, lock in self.locks.items() if lock.locked() or key in self.wrong}
        async with self.locks.setdefault(key, asyncio.Lock()):
            count, last = self.wrong.get(key, (0, 0))
            wait = min(2 ** (count - 2), LONGEST_WAIT) if count >= 2 else 0  # everybody mistypes once or twice
            await asyncio.sleep(max(0, last + wait - time.monotonic()))
            # In a thread, so that the hub serves others meanwhile.
            if await asyncio.to_thread(is_right):
                self.wrong.pop(key, None)
                return True
            self.wrong[key] = (count + 1, time.monotonic())
            return False


NOBODY = accounts.hashed("")  # to take the same time for a login that does not exist


def address_of(handler):
    """Where the person is, as the proxy saw it. Whatever else a request says of this, the person may have made up."""
    return handler.request.headers.get("X-Forwarded-For", "").split(",")[-1].strip()


def came_by_proxy(handler):
    """Whether a program of root's has sent the request: a student's own could claim any address."""
    host, port = handler.request.connection.stream.socket.getpeername()
    peer = f"{int.from_bytes(socket.inet_aton(host), sys.byteorder):08X}:{port:04X}"  # as in /proc/net/tcp
    sockets = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return any(fields[1] == peer and fields[7] == "0" for fields in sockets)


class Refused(web.HTTPError):
    def __init__(self, message):
        super().__init__(403, message)
        self.jupyterhub_message = message  # the hub shows this to the person


class ClassAuthenticator(Authenticator):
    allow_all = True  # of those whom authenticate lets in
    manage_groups = True

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.attempts = Attempts()

    async def authenticate(self, handler, data):
        if not came_by_proxy(handler):
            raise Refused("Log in at the address of the classroom.")
        login = self.normalize_username(data.get("username", ""))
        account = accounts.read().get(login)
        if not await self.is_right(handler, login, account, data.get("password", "")):
            return None
        is_teacher = account["role"] == "teacher"
        # Not the hub's admins, who could enter every server.
        return {"name": login, "admin": False, "groups": [TEACHERS] if is_teacher else []}

    async def is_right(self, handler, login, account, password):
        stored = account["password"] if account else NOBODY
        known = login if account else ""
        right = await self.attempts.check(known, address_of(handler), lambda: accounts.is_right(password, stored))
        return right and account is not None

    async def pre_spawn_start(self, user, spawner):
        account = accounts.read().get(user.name)
        if account is None:
            raise Refused("This account was removed from the class.")
        if account["mustChange"]:
            raise Refused("Choose a password of your own first: log out, and log in again.")

    def delete_user(self, user):
        with accounts.changing() as table:
            table.pop(user.name, None)

    def get_handlers(self, app):
        return [(r"/login", FirstLoginHandler), (rf"/{CHANGE_PASSWORD}", ChangePasswordHandler), ("/let-in", LetInHandler)]


class FirstLoginHandler(LoginHandler):
    def get_next_url(self, user=None, default=None):
        account = accounts.read().get(user.name) if user else None
        if account and account["mustChange"]:
            return f"{self.hub.base_url}{CHANGE_PASSWORD}"
        return super().get_next_url(user, default)


class ChangePasswordHandler(BaseHandler):
    """The page on which people choose their password."""

    @web.authenticated
    async def get(self):
        await self.show()

    @web.authenticated
    async def post(self):
        user = self.current_user
        account = accounts.read().get(user.name)
        old, new, again = (self.get_body_argument(name, "", strip=False) for name in ("old", "new", "again"))
        if len(new) < accounts.LEAST_LETTERS:
            problem = f"Your new password is too short: expected {accounts.LEAST_LETTERS} letters or more."
        elif new != again:
            problem = "The new password and its repetition differ: type both again."
        elif new == old:
            problem = "This is the password that you have: choose another one."
        elif not await self.authenticator.is_right(self, user.name, account, old):
            problem = "The password that you have until now was not right: type it again."
        else:
            hashed = await asyncio.to_thread(accounts.hashed, new)
            with accounts.changing() as table:
                table[user.name] |= {"password": hashed, "mustChange": False}
            # Others who logged in with the old password have to log in again.
            user.orm_user.cookie_id = new_token()
            self.db.commit()
            self.set_login_cookie(user)
            self.redirect(self.get_next_url(user))
            return
        self.set_status(403)
        await self.show(problem)

    async def show(self, problem=""):
        account = accounts.read().get(self.current_user.name, {})
        self.finish(
            await self.render_template(
                "change-password.html",
                problem=problem,
                account=account,
                least=accounts.LEAST_LETTERS,
                can_share=bool(own_server(self) and teachers(self)),
                is_shared=bool(shares(self)),
            )
        )


class LetInHandler(BaseHandler):
    """A student lets the teachers into the own server, or no longer."""

    @web.authenticated
    async def post(self):
        server, given = own_server(self), shares(self)
        for share in given:
            self.db.delete(share)
        self.db.commit()
        if server and not given:
            for teacher in teachers(self):
                # To each of them: a share with a group does not reach the tokens by which browsers enter.
                Share.grant(self.db, server, teacher)
        self.redirect(f"{self.hub.base_url}{CHANGE_PASSWORD}")


def own_server(handler):
    """The student's server; None before it was started for the first time."""
    return handler.current_user.orm_user.orm_spawners.get("")


def teachers(handler):
    """The teachers whom the hub knows."""
    logins = [login for login, account in accounts.read().items() if account["role"] == "teacher"]
    return [user for user in (User.find(handler.db, login) for login in logins) if user]


def shares(handler):
    """The shares by which teachers may enter the student's server."""
    server = own_server(handler)
    found = [Share.find(handler.db, server, share_with=teacher) for teacher in teachers(handler)] if server else []
    return [share for share in found if share]
