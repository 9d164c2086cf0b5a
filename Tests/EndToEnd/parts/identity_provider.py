"""The identity provider of an organisation: Debian's glewlwyd with people, groups and its own pages to sign in on."""

import shutil
from typing import Any

from .browser import Browser
from .glewlwyd import PACKAGE, Glewlwyd, Session
from .world import World

CLIENT = "doorward"
_SCOPES = ["openid", "email", "profile"]
_SECRET = "a-secret-of-the-coordinator"
_WORD = "a password of {}'s"
_WEBAPP = PACKAGE / "share" / "glewlwyd" / "webapp"


class IdentityProvider(Glewlwyd):
    """Everybody's password is `a password of NAME's`, everybody's address NAME@example.com."""

    def __init__(self, world: World, people: dict[str, list[str]], lifetime: int = 60) -> None:
        self.people = people
        self.secret = world.secret(_SECRET)
        self.redirect = f"{world.coordinator.url}/oidc/callback"
        super().__init__(world, "identity-provider", lifetime)

    def options(self, world: World) -> list[str]:
        """What the coordinator is told of it."""
        file = world.folder / "client-secret"
        file.write_text(self.secret + "\n")
        file.chmod(0o600)
        return [
            "--oidc-issuer", self.issuer, "--oidc-client-id", CLIENT, "--oidc-client-secret-file", str(file),
            "--oidc-allow-loopback", "--oidc-trust-email",
        ]

    def furnish(self, admin: Session) -> None:
        # A property of people that may have several values; the module has to be loaded again for it.
        admin.ask("PUT", "mod/user/database", {
            "module": "database", "name": "database", "display_name": "Database backend", "order_rank": 0, "readonly": False,
            "parameters": {
                "use-glewlwyd-connection": True, "data-format": {"groups": {"multiple": True, "read": True, "write": True}},
            },
        })
        admin.ask("PUT", "mod/reload/")
        admin.ask("POST", "mod/plugin/", self.plugin())
        for scope in _SCOPES[1:]:
            admin.ask("POST", "scope/", {"name": scope, "display_name": scope, "password_required": False, "scheme": {}})
        admin.ask("POST", "client/", {
            "client_id": CLIENT, "client_secret": self.secret, "name": "Doorward", "confidential": True, "enabled": True,
            "scope": [], "redirect_uri": [self.redirect], "authorization_type": ["code", "refresh_token"],
            "token_endpoint_auth_method": ["client_secret_basic"],
        })
        for name, groups in self.people.items():
            admin.ask("POST", "user/", self._person(name, groups) | {"password": _WORD.format(name.title())})
            # The organisation's own client asks nobody whether it may know who they are.
            self.session(name).ask("PUT", f"auth/grant/{CLIENT}", {"scope": " ".join(_SCOPES)})

    def settings(self) -> str:
        # The package's pages look for their settings where a system-wide one would have them.
        web = self.folder / "web"
        shutil.copytree(_WEBAPP, web, ignore=shutil.ignore_patterns("config.json"))
        shutil.copy(_WEBAPP.parent / "templates" / "config.json", web / "config.json")
        kinds = {".html": "text/html", ".css": "text/css", ".js": "application/javascript", ".json": "application/json"}
        types = ",".join(f'{{ extension = "{end}" mime_type = "{kind}" }}' for end, kind in kinds.items())
        return f'static_files_path="{web}"\nstatic_files_mime_types = ({types})\n'

    def plugin(self) -> dict[str, Any]:
        plugin = super().plugin()
        plugin["parameters"] |= {
            "claims": [{
                "name": "groups", "user-property": "groups", "type": "string", "mandatory": True, "on-demand": False, "scope": [],
            }],
            "email-claim": "mandatory", "name-claim": "mandatory", "session-management-allowed": True,
            "session-cookie-name": "GLEWLWYD2_OIDC_SID", "session-cookie-expiration": 2419200,
        }
        return plugin

    @staticmethod
    def _person(name: str, groups: list[str], enabled: bool = True) -> dict[str, Any]:
        return {
            "username": name, "name": name.title(), "email": f"{name}@example.com", "scope": _SCOPES, "enabled": enabled,
            "groups": groups,
        }

    def session(self, name: str) -> Session:
        return Session(self.origin, name, _WORD.format(name.title()))

    def change(self, name: str, groups: list[str] | None = None, enabled: bool = True) -> None:
        """Puts a person into other groups, or sends the person away."""
        groups = self.people[name] if groups is None else groups
        self.admin().ask("PUT", f"user/{name}", self._person(name, groups, enabled))

    def sign_in(self, browser: Browser, name: str) -> None:
        """Does what a person does on its page."""
        browser.fill("Login", name)
        browser.fill("Password", _WORD.format(name.title()))
        browser.press("OK")
        browser.press("Continue")
