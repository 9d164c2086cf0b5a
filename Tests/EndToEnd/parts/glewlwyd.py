"""Debian's glewlwyd, an OpenID provider in C, set up by its own API: nobody but loopback, and everything in one folder.

Users and clients of it sign in with `openid` and `tools`; it wants a nonce with the first, proof keys of everybody, and its refresh
tokens are good once. A refresh token that is spent or ended is refused with an empty body.
"""

import socket
import sqlite3
import subprocess
import urllib.parse
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from . import http
from .processes import Failed
from .world import ROOT, World, free_port

# Debian's package, unpacked by packaging/dev and not installed.
PACKAGE = ROOT / ".build" / "tools" / "glewlwyd" / "usr"
PROGRAM = PACKAGE / "bin" / "glewlwyd"
_ADMIN = ("admin", "password")
_USER = ("ann", "a password of Ann's")
_SCOPES = ["openid", "tools"]


def version() -> str:
    done = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True)
    return done.stdout.split()[-1]


class Glewlwyd:
    def __init__(self, world: World, name: str, lifetime: int) -> None:
        self.lifetime = lifetime
        self.folder = world.folder / name
        self.folder.mkdir()
        self.port = free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.issuer = f"{self.origin}/api/oidc"
        self.process = world.processes.start(
            name, [str(PROGRAM), f"--config-file={self._configure()}"],
            world.environment(self.folder / "home", self.folder / "run"),
        )
        self.process.ready(self._accepts)
        self.furnish(self.admin())

    def furnish(self, admin: "Session") -> None:
        """Sets up what this provider is for."""
        admin.ask("POST", "mod/plugin/", self.plugin())
        admin.ask("POST", "scope/", {"name": "tools", "display_name": "Tools", "password_required": False, "scheme": {}})
        admin.ask("POST", "user/", {
            "username": _USER[0], "password": _USER[1], "name": "Ann", "scope": ["g_profile", *_SCOPES], "enabled": True,
        })
        self.user = Session(self.origin, *_USER)

    def _accepts(self) -> bool:
        with socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True

    def _configure(self) -> Path:
        database = self.folder / "database"
        with sqlite3.connect(database) as connection:
            connection.executescript((PACKAGE / "share/dbconfig-common/data/glewlwyd/install/sqlite3").read_text())
        modules = PACKAGE / "lib" / "glewlwyd"
        settings = {
            "external_url": self.origin, "bind_address": "127.0.0.1", "login_url": "login.html", "api_prefix": "api",
            "log_mode": "console", "log_level": "WARNING", "session_key": "session", "hash_algorithm": "SHA512",
            "admin_scope": "g_admin", "profile_scope": "g_profile", "user_module_path": modules / "user",
            "user_middleware_module_path": modules / "user_middleware", "client_module_path": modules / "client",
            "user_auth_scheme_module_path": modules / "scheme", "plugin_module_path": modules / "plugin",
        }
        text = f'port={self.port}\ndatabase = {{ type = "sqlite3"; path = "{database}"; }};\n'
        text += "".join(f'{key}="{value}"\n' for key, value in settings.items())
        text += self.settings()
        file = self.folder / "glewlwyd.conf"
        file.write_text(text)
        return file

    def settings(self) -> str:
        """More lines of its settings."""
        return ""

    def plugin(self) -> dict[str, Any]:
        pair = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        key = pair.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        public = pair.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        off = dict.fromkeys((
            "auth-type-token-enabled", "auth-type-password-enabled", "auth-type-implicit-enabled", "auth-type-none-enabled",
            "auth-type-device-enabled", "auth-type-client-enabled", "pkce-method-plain-allowed", "session-management-allowed",
            "request-parameter-allow",
        ), False)
        on = dict.fromkeys((
            "allow-non-oidc", "auth-type-code-enabled", "auth-type-id-token-enabled", "auth-type-refresh-enabled",
            "refresh-token-rolling", "pkce-allowed", "pkce-required", "introspection-revocation-allowed",
            "introspection-revocation-allow-target-client", "register-client-allowed", "jwks-show",
        ), True)
        return {
            "module": "oidc", "name": "oidc", "display_name": "OpenID Connect", "order_rank": 0, "readonly": False,
            "parameters": off | on | {
                "iss": self.issuer, "jwt-type": "rsa", "jwt-key-size": "256", "key": key, "cert": public,
                "access-token-duration": self.lifetime, "refresh-token-duration": 86400, "code-duration": 60,
                "refresh-token-one-use": "always", "scope": [], "additional-parameters": [], "claims": [],
                "allowed-scope": ["openid"], "subject-type": "public", "restrict-scope-client-property": "",
                "introspection-revocation-auth-scope": [], "register-client-auth-scope": [],
                "register-client-credentials-scope": [], "name-claim": "no", "email-claim": "no", "scope-claim": "no",
                "service-documentation": "", "op-policy-uri": "", "op-tos-uri": "",
            },
        }

    def admin(self) -> "Session":
        return Session(self.origin, *_ADMIN)

    def client(self, redirect: str, method: str, secret: str | None) -> str:
        """Registers a client as an administrator does; its id."""
        facts = {
            "client_id": "known", "name": "Doorward", "enabled": True, "confidential": secret is not None, "scope": [],
            "redirect_uri": [redirect], "authorization_type": ["code", "refresh_token"],
            "token_endpoint_auth_method": [method],
        }
        if secret is not None:
            facts["client_secret"] = secret
        self.admin().ask("POST", "client/", facts)
        return "known"

    def browse(self, address: str) -> http.Reply:
        """Signs Ann in and lets her consent: both are calls of the pages' own API."""
        client = http.parameter(address, "client_id")
        self.user.ask("PUT", f"auth/grant/{client}/", {"scope": " ".join(_SCOPES)})
        reply = http.get(f"{address}&g_continue", headers={"Cookie": self.user.cookie})
        assert reply.status == 302, reply
        return http.visit(reply.headers["location"])

    def living(self) -> list[str]:
        """The clients that hold a refresh token which is good."""
        grants = self.user.ask("GET", "oidc/token/").json
        return [each["client_id"] for each in grants if each["enabled"]]

    def end(self) -> None:
        """Ann takes back what she has granted."""
        for each in self.user.ask("GET", "oidc/token/").json:
            if each["enabled"]:
                self.user.ask("DELETE", f"oidc/token/{urllib.parse.quote(each['token_hash'], safe='')}")


class Session:
    """A cookie of a user who is signed in."""

    def __init__(self, origin: str, user: str, password: str) -> None:
        self.origin = origin
        self.cookie = ""
        reply = self.ask("POST", "auth/", {"username": user, "password": password})
        self.cookie = reply.headers["set-cookie"].split(";")[0]

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> http.Reply:
        reply = http.request(method, f"{self.origin}/api/{path}", headers={"Cookie": self.cookie}, body=body)
        if reply.status != 200:
            raise Failed(f"glewlwyd {method} {path}: {reply}")
        return reply
