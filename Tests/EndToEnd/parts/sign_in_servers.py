"""Authorization servers that others made, each with an MCP server that trusts it, behind one face: for the tests and for the
table of what works."""

import importlib.metadata
from typing import Any

from . import glewlwyd, http
from .processes import run
from .world import Desk, Server, World, python


class SignInServer:
    """What every one of them can be asked."""

    title: str
    # Whether a refusal to renew says why; else it is believed after some minutes of it.
    says_why = True
    # What `servers add` needs beside the URL.
    options: tuple[str, ...] = ()
    resource: Server
    alias: str

    @property
    def version(self) -> str:
        raise NotImplementedError

    def browse(self, address: str) -> http.Reply:
        """What a user does in a browser to sign in and to consent."""
        return http.visit(address)

    def living(self) -> list[str]:
        """The clients whose refresh tokens are good, by the server's own word."""
        raise NotImplementedError

    def end(self) -> None:
        """Ends every grant at the server."""
        raise NotImplementedError

    def client(self, redirect: str, method: str) -> tuple[str, str]:
        """Registers a client with a secret as an administrator does."""
        raise NotImplementedError

    def enter(self, desk: Desk, *more: str) -> None:
        """Puts it into the registry."""
        desk.add_server(self.alias, self.resource.url, "--auth", "oauth", *more)

    def connect(self, desk: Desk, *more: str, **options: Any) -> dict[str, Any]:
        return desk.connect(self.alias, *more, browse=self.browse, **options)

    def call(self, desk: Desk) -> Any:
        """One tool call as a command; its answer."""
        return desk.doorward("call", self.alias, "echo", '{"text": "a"}', check=False)


class OwnProcess(SignInServer):
    """One of the small servers in `programs/`, on a library that others made."""

    def __init__(
        self, world: World, alias: str, lifetime: int, program: str, *arguments: str, environment: str = "modern",
        resource: tuple[str, ...] = (),
    ) -> None:
        self.alias = alias
        self.server = world.server(
            f"{alias}-sign-in", program, "--lifetime", str(lifetime), *arguments, environment=environment
        )
        self.resource = world.server(alias, "mcp_server", "--issuer", self.server.facts["issuer"], *resource)

    def living(self) -> list[str]:
        return self.server.ask("grants")

    def client(self, redirect: str, method: str) -> tuple[str, str]:
        asked = {"redirect_uris": [redirect], "token_endpoint_auth_method": method}
        facts = http.request("POST", f"{self.server.origin}/test/clients", body=asked).json
        return facts["client_id"], self.resource.world.secret(facts["client_secret"])


class OfficialSDK(OwnProcess):
    """`create_auth_routes` of the official Python SDK with the metadata that it writes itself."""

    title = "MCP Python SDK"

    def __init__(self, world: World, alias: str, lifetime: int) -> None:
        super().__init__(world, alias, lifetime, "authorization_server", "--as-shipped", resource=("--as-url",))

    @property
    def version(self) -> str:
        return importlib.metadata.version("mcp")

    def end(self) -> None:
        self.server.tell("forget", {})


class Authlib(OwnProcess):
    """Authlib behind the official SDK as a resource server, which writes the issuer with a slash that Authlib's has not."""

    def __init__(self, world: World, alias: str, lifetime: int, rotating: bool = True) -> None:
        self.title = "Authlib, refresh tokens good once" if rotating else "Authlib, lasting refresh tokens"
        super().__init__(
            world, alias, lifetime, "authlib_server", *(["--rotating"] if rotating else []), environment="authlib",
            resource=("--as-url", "--any-resource"),
        )

    @property
    def version(self) -> str:
        script = "import importlib.metadata; print(importlib.metadata.version('Authlib'))"
        return run([str(python("authlib")), "-c", script], {"PATH": "/usr/bin:/bin"}).stdout.strip()

    def end(self) -> None:
        self.server.tell("end", {})


class Glewlwyd(SignInServer):
    """Debian's OpenID provider, asked for `openid`."""

    title = "glewlwyd"
    says_why = False

    def __init__(self, world: World, alias: str, lifetime: int) -> None:
        self.alias = alias
        self.server = glewlwyd.Glewlwyd(world, f"{alias}-sign-in", lifetime)
        self.resource = world.server(
            alias, "mcp_server", "--issuer", self.server.issuer, "--keys", f"{self.server.issuer}/jwks", "--any-resource",
            "--scope", "openid", "--scope", "tools",
        )

    @property
    def version(self) -> str:
        return glewlwyd.version()

    def browse(self, address: str) -> http.Reply:
        return self.server.browse(address)

    def living(self) -> list[str]:
        return self.server.living()

    def end(self) -> None:
        self.server.end()

    def client(self, redirect: str, method: str) -> tuple[str, str]:
        secret = self.resource.world.secret("a secret of a client that Ann never sees")
        return self.server.client(redirect, method, secret), secret
