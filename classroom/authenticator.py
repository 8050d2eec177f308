"""Lets people log in with an account of the table, and in no other way."""

import asyncio
import socket
import sys
import time
from collections import Counter
from pathlib import Path

import accounts
from jupyterhub.auth import Authenticator
from jupyterhub.handlers import BaseHandler, LoginHandler
from jupyterhub.orm import Share, User, new_token
from tornado import web

LONGEST_WAIT = 10  # seconds
MOST_WAITING = 3  # attempts; those beyond are refused at once
FORGET_AFTER = 600  # seconds
CHANGE_PASSWORD = "change-password"
KNOWN = "classroom-login"  # the cookie of a browser that has logged in: the login and a random number
TEACHERS = "teachers"  # a group of the hub


class TooMany(Exception):
    """Too many attempts are waiting already."""


class Attempts:
    """Slows down guessing: each wrong password doubles the wait before the next attempt, and attempts take turns.

    They are counted by login and origin, so nobody can delay another person's login from elsewhere.
    """

    def __init__(self):
        self.wrong = {}  # how many, and when the last one was, by login and origin
        self.locks = {}
        self.waiting = Counter()

    async def check(self, login, origin, is_right):
        """Whether the password is right, as `is_right` says, after the wait that is due. Raises TooMany."""
        key = (login, origin)
        self.wrong = {key: value for key, value in self.wrong.items() if value[1] > time.monotonic() - FORGET_AFTER}
        self.locks = {key: lock for key, lock in self.locks.items() if self.waiting[key] or key in self.wrong}
        if self.waiting[key] >= MOST_WAITING:
            raise TooMany
        self.waiting[key] += 1
        try:
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
        finally:
            self.waiting[key] -= 1
            self.waiting += Counter()  # drops those that are 0


NOBODY = accounts.hashed("")  # to take the same time for a login that does not exist


def address_of(handler):
    """The client's address as the proxy saw it. Clients can forge the rest of the header."""
    return handler.request.headers.get("X-Forwarded-For", "").split(",")[-1].strip()


def origin_of(handler, login):
    """The origin by which attempts are counted: a browser that has logged in with this login before, or else the address.

    So nobody who shares an address with a student delays the student's next login.
    """
    known = (handler.get_secure_cookie(KNOWN) or b"").decode()
    return known if known.split(" ")[0] == login else address_of(handler)


def remember_browser(handler, login):
    if not (handler.get_secure_cookie(KNOWN) or b"").decode().startswith(f"{login} "):
        is_secure = handler.request.protocol == "https"
        handler.set_secure_cookie(
            KNOWN, f"{login} {new_token()}", path=handler.hub.base_url, httponly=True, secure=is_secure, samesite="Strict"
        )


def came_by_proxy(handler):
    """Whether a process of root's, the proxy, has sent the request: a student's program could claim any address."""
    host, port = handler.request.connection.stream.socket.getpeername()
    peer = f"{int.from_bytes(socket.inet_aton(host), sys.byteorder):08X}:{port:04X}"  # as in /proc/net/tcp
    sockets = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return any(fields[1] == peer and fields[7] == "0" for fields in sockets)


class Refused(web.HTTPError):
    def __init__(self, message, status=403):
        super().__init__(status, message)
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
        remember_browser(handler, login)
        is_teacher = account["role"] == "teacher"
        # Not the hub's admins, who could enter every server.
        return {"name": login, "admin": False, "groups": [TEACHERS] if is_teacher else []}

    async def is_right(self, handler, login, account, password):
        stored = account["password"] if account else NOBODY
        try:
            right = await self.attempts.check(login, origin_of(handler, login), lambda: accounts.is_right(password, stored))
        except TooMany:
            raise Refused(
                "Too many attempts with this login: try again in a minute. 이 아이디로 로그인을 너무 여러 번 시도했습니다. 1분 뒤에 다시 "
                "시도하세요.",
                status=429,
            ) from None
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
        return [
            ("/login", FirstLoginHandler),
            (f"/{CHANGE_PASSWORD}", ChangePasswordHandler),
            ("/let-in", LetInHandler),
            ("/class", ClassHandler),
        ]


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
            problem = (
                f"Your new password is too short: expected {accounts.LEAST_LETTERS} letters or more.",
                f"새 비밀번호가 너무 짧습니다. {accounts.LEAST_LETTERS}자 이상으로 정하세요.",
            )
        elif new != again:
            problem = (
                "The new password and its repetition differ: type both again.",
                "새 비밀번호를 두 번 다르게 입력했습니다. 둘 다 다시 입력하세요.",
            )
        elif new == old:
            problem = (
                "This is the password that you have: choose another one.",
                "지금 비밀번호와 같습니다. 다른 비밀번호를 정하세요.",
            )
        elif not await self.authenticator.is_right(self, user.name, account, old):
            problem = (
                "The password that you have until now was not right: type it again.",
                "지금 비밀번호가 맞지 않습니다. 다시 입력하세요.",
            )
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

    async def show(self, problem=()):
        account = accounts.read().get(self.current_user.name, {})
        self.finish(
            await self.render_template(
                "change-password.html",
                problems=dict(zip(("en", "ko"), problem, strict=False)),
                account=account,
                least=accounts.LEAST_LETTERS,
                can_share=bool(own_server(self) and teachers(self)),
                is_shared=bool(shares(self)),
            )
        )


class LetInHandler(BaseHandler):
    """Allows the teachers to enter the student's server, or withdraws that."""

    @web.authenticated
    async def post(self):
        server, given = own_server(self), shares(self)
        for share in given:
            self.db.delete(share)
        self.db.commit()
        if server and not given:
            for teacher in teachers(self):
                # One for each teacher: a share with a group does not apply to the tokens that browsers use.
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


class ClassHandler(BaseHandler):
    """The teacher's page: shows who is there, stops a student's server, and opens one if its student allows that."""

    @web.authenticated
    async def get(self):
        self.check_teacher()
        table = accounts.read()
        people = [self.describe(login, table[login]) for login in sorted(table) if table[login]["role"] == "student"]
        self.finish(await self.render_template("class.html", people=people))

    @web.authenticated
    async def post(self):
        self.check_teacher()
        user = self.find_user(self.get_body_argument("login"))
        if user and user.spawner.ready:
            await self.stop_single_user(user)
        self.redirect(f"{self.hub.base_url}class")

    def check_teacher(self):
        if accounts.read().get(self.current_user.name, {}).get("role") != "teacher":
            raise Refused("This page is for teachers.")

    def describe(self, login, account):
        user = self.find_user(login)
        spawner = user and user.spawner
        return {
            "login": login,
            "name": account["name"],
            "state": "ready" if spawner and spawner.ready else "pending" if spawner and spawner.pending else "",
            "last_activity": user and user.last_activity,
            "url": user.url if spawner and spawner.ready and self.may_open(spawner) else None,
        }

    def may_open(self, spawner):
        return Share.find(self.db, spawner.orm_spawner, share_with=self.current_user.orm_user) is not None
