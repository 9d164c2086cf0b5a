"""An MCP server on fastmcp with its OAuthProxy: it registers clients itself and sends their users to an authorization server where it
is the one client."""

import argparse
import json
import os
import sys
import urllib.parse
import urllib.request
from pathlib import Path

from fastmcp import FastMCP
from fastmcp.server.auth import AccessToken, OAuthProxy, TokenVerifier
from key_value.aio.stores.memory import MemoryStore

sys.path.append(str(Path(__file__).resolve().parents[2] / "EndToEnd" / "parts" / "programs"))
from serving import free_socket, serve  # noqa: E402


class Upstream(TokenVerifier):
    def __init__(self, issuer: str) -> None:
        super().__init__()
        self.issuer = issuer

    async def verify_token(self, token: str) -> AccessToken | None:
        body = urllib.parse.urlencode({"token": token}).encode()
        with urllib.request.urlopen(f"{self.issuer}/introspect", body, timeout=5) as answer:
            facts = json.load(answer)
        if not facts["active"]:
            return None
        return AccessToken(token=token, client_id=facts["client_id"], scopes=facts["scope"].split(), expires_at=facts["exp"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--lifetime", type=int, default=5)
    options = parser.parse_args()
    listener, port = free_socket(options.port)
    origin = f"http://127.0.0.1:{port}"
    asked = json.dumps({
        "redirect_uris": [f"{origin}/auth/callback"], "token_endpoint_auth_method": "client_secret_basic",
    }).encode()
    request = urllib.request.Request(f"{options.upstream}/test/clients", asked, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        client = json.load(answer)
    os.environ["FASTMCP_SHOW_SERVER_BANNER"] = "0"
    auth = OAuthProxy(
        upstream_authorization_endpoint=f"{options.upstream}/authorize", upstream_token_endpoint=f"{options.upstream}/token",
        upstream_client_id=client["client_id"], upstream_client_secret=client["client_secret"],
        upstream_revocation_endpoint=f"{options.upstream}/revoke", token_endpoint_auth_method="client_secret_basic",
        token_verifier=Upstream(options.upstream), base_url=origin, require_authorization_consent=False,
        valid_scopes=["tools"], jwt_signing_key="known only to this program", client_storage=MemoryStore(),
        fastmcp_access_token_expiry_seconds=options.lifetime,
    )
    server = FastMCP("proxied", auth=auth)

    @server.tool
    def echo(text: str) -> str:
        """Says what it was told."""
        return text

    serve(server.http_app(), listener, url=f"{origin}/mcp", issuer=origin)


main()
