"""An OAuth authorization server on the official SDK, alone in its process.

Dynamic registration, PKCE, the `iss` parameter, access tokens that live for seconds, refresh tokens that rotate: a
refresh token that comes a second time revokes the whole family, as the specification of OAuth 2.1 asks. There is
nobody to consent: an authorization request is answered at once.

`/test/counts` tells what happened, `/test/tokens` every secret that was ever handed out (the canary search looks for
them), `POST /test/fault` makes an endpoint misbehave for a number of requests, the one for tokens where none is named.
"""

import argparse
import asyncio
import secrets
import time

from mcp.server.auth.middleware.client_auth import AuthenticationError, ClientAuthenticator
from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    AuthorizeError,
    OAuthAuthorizationServerProvider,
    RefreshToken,
    TokenError,
    construct_redirect_uri,
)
from mcp.server.auth.routes import build_metadata, create_auth_routes
from mcp.server.auth.settings import ClientRegistrationOptions, RevocationOptions
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from pydantic import AnyHttpUrl
from serving import free_socket, serve
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

SCOPES = ["tools"]


class Grants(OAuthAuthorizationServerProvider[AuthorizationCode, RefreshToken, AccessToken]):
    """Clients, codes and tokens in memory. A family is everything that came from one sign-in."""

    def __init__(self, issuer: str, lifetime: int) -> None:
        self.issuer = issuer
        self.lifetime = lifetime
        self.clients: dict[str, OAuthClientInformationFull] = {}
        self.codes: dict[str, AuthorizationCode] = {}
        self.access: dict[str, tuple[AccessToken, str]] = {}
        self.refresh: dict[str, tuple[RefreshToken, str]] = {}
        self.spent: dict[str, str] = {}
        self.families: set[str] = set()
        self.secrets: list[str] = []
        self.counts = dict.fromkeys(
            ("registrations", "authorizations", "exchanges", "refreshes", "refused_refreshes", "reuses",
             "revocations", "introspections"), 0,
        )
        self.resources: list[str | None] = []

    def _secret(self, kind: str) -> str:
        value = f"{kind}_{secrets.token_urlsafe(24)}"
        self.secrets.append(value)
        return value

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        return self.clients.get(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        self.counts["registrations"] += 1
        self.clients[client_info.client_id] = client_info
        if client_info.client_secret:
            self.secrets.append(client_info.client_secret)

    async def authorize(self, client: OAuthClientInformationFull, params: AuthorizationParams) -> str:
        self.counts["authorizations"] += 1
        self.resources.append(params.resource)
        if params.resource is None:
            raise AuthorizeError("invalid_target", "the parameter resource is missing")
        code = AuthorizationCode(
            code=self._secret("code"),
            scopes=params.scopes or SCOPES,
            expires_at=time.time() + 60,
            client_id=client.client_id,
            code_challenge=params.code_challenge,
            redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly,
            resource=params.resource,
            subject="ann",
        )
        self.codes[code.code] = code
        return construct_redirect_uri(str(params.redirect_uri), code=code.code, state=params.state, iss=self.issuer)

    async def load_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: str
    ) -> AuthorizationCode | None:
        return self.codes.get(authorization_code)

    async def exchange_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: AuthorizationCode
    ) -> OAuthToken:
        self.counts["exchanges"] += 1
        del self.codes[authorization_code.code]
        family = secrets.token_hex(8)
        self.families.add(family)
        return self._tokens(client.client_id, authorization_code.scopes, authorization_code.resource, family)

    def _tokens(self, client_id: str, scopes: list[str], resource: str | None, family: str) -> OAuthToken:
        access = AccessToken(
            token=self._secret("access"), client_id=client_id, scopes=scopes,
            expires_at=int(time.time()) + self.lifetime, resource=resource, subject="ann",
        )
        refresh = RefreshToken(
            token=self._secret("refresh"), client_id=client_id, scopes=scopes, resource=resource, subject="ann",
        )
        self.access[access.token] = (access, family)
        self.refresh[refresh.token] = (refresh, family)
        return OAuthToken(
            access_token=access.token, token_type="Bearer", expires_in=self.lifetime,
            scope=" ".join(scopes), refresh_token=refresh.token,
        )

    async def load_refresh_token(self, client: OAuthClientInformationFull, refresh_token: str) -> RefreshToken | None:
        if refresh_token in self.spent:
            # Another program has this token too, and it is unknown which one is the thief: the family ends.
            self.counts["reuses"] += 1
            self.families.discard(self.spent[refresh_token])
        token, family = self.refresh.get(refresh_token, (None, ""))
        if token is None or family not in self.families:
            self.counts["refused_refreshes"] += 1
            return None
        return token

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: RefreshToken, scopes: list[str]
    ) -> OAuthToken:
        entry = self.refresh.pop(refresh_token.token, None)
        if entry is None:
            raise TokenError("invalid_grant", "the refresh token was used by another request")
        self.counts["refreshes"] += 1
        self.spent[refresh_token.token] = entry[1]
        return self._tokens(client.client_id, scopes, refresh_token.resource, entry[1])

    async def load_access_token(self, token: str) -> AccessToken | None:
        found, family = self.access.get(token, (None, ""))
        if found is None or family not in self.families or (found.expires_at or 0) <= time.time():
            return None
        return found

    async def revoke_token(self, token: AccessToken | RefreshToken) -> None:
        for store in (self.access, self.refresh):
            if token.token in store:
                self.counts["revocations"] += 1
                self.families.discard(store[token.token][1])  # type: ignore[index]
                return


class Faults:
    """What an endpoint does wrong, for how many more requests."""

    def __init__(self) -> None:
        self.kind = ""
        self.path = "/token"
        self.left = 0
        self.seconds = 0.0

    def wrap(self, app):
        async def faulty(scope, receive, send):
            if scope["type"] == "http" and scope["path"] == self.path and self.left > 0:
                self.left -= 1
                await asyncio.sleep(self.seconds)
                if self.kind == "html":
                    return await HTMLResponse("<h1>Please sign in to the network</h1>")(scope, receive, send)
                if self.kind == "unavailable":
                    return await Response("busy", 503, {"retry-after": "1"})(scope, receive, send)
                if self.kind == "limited":
                    return await Response("slow down", 429, {"retry-after": "1"})(scope, receive, send)
                if self.kind == "refused":
                    refusal = {"error": "invalid_request", "error_description": "not while the audit runs"}
                    return await JSONResponse(refusal, 400)(scope, receive, send)
            await app(scope, receive, send)

        return faulty


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lifetime", type=int, default=5, help="seconds that an access token lives")
    parser.add_argument("--as-shipped", action="store_true", help="nothing but the SDK's own routes, metadata and revocation")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()

    listener, port = free_socket(options.port)
    issuer = f"http://127.0.0.1:{port}"
    grants = Grants(issuer, options.lifetime)
    faults = Faults()
    registration = ClientRegistrationOptions(enabled=True, valid_scopes=SCOPES, default_scopes=SCOPES)
    revocation = RevocationOptions(enabled=True)

    # pydantic writes a bare origin with a slash at its end; issuers compare as strings, so the slash has to go.
    metadata = build_metadata(AnyHttpUrl(issuer), None, registration, revocation)
    document = metadata.model_dump(mode="json", exclude_none=True) | {
        "issuer": issuer,
        "authorization_response_iss_parameter_supported": True,
        "token_endpoint_auth_methods_supported": ["none", "client_secret_post", "client_secret_basic"],
        "revocation_endpoint_auth_methods_supported": ["none", "client_secret_post", "client_secret_basic"],
        "introspection_endpoint": f"{issuer}/introspect",
    }
    authenticator = ClientAuthenticator(grants)

    async def describe(_: Request) -> Response:
        return JSONResponse(document)

    async def revoke(request: Request) -> Response:
        # The SDK's own handler refuses clients without a secret, as a desktop program is one.
        try:
            client = await authenticator.authenticate_request(request)
        except AuthenticationError as error:
            return JSONResponse({"error": "invalid_client", "error_description": error.message}, 401)
        token = str((await request.form()).get("token", ""))
        found = grants.refresh.get(token, grants.access.get(token))
        if found is not None and found[0].client_id == client.client_id:
            await grants.revoke_token(found[0])
        return Response(status_code=200)

    async def introspect(request: Request) -> Response:
        grants.counts["introspections"] += 1
        token = await grants.load_access_token(str((await request.form()).get("token", "")))
        if token is None:
            return JSONResponse({"active": False})
        return JSONResponse({
            "active": True, "client_id": token.client_id, "scope": " ".join(token.scopes), "exp": token.expires_at,
            "sub": token.subject, "aud": token.resource, "iss": issuer,
        })

    async def counts(_: Request) -> Response:
        return JSONResponse(grants.counts | {"resources": grants.resources})

    async def tokens(_: Request) -> Response:
        return JSONResponse(grants.secrets)

    async def fault(request: Request) -> Response:
        body = await request.json()
        faults.kind, faults.left, faults.seconds = body["kind"], body.get("times", 1), body.get("seconds", 0)
        faults.path = body.get("path", "/token")
        return JSONResponse({})

    async def forget(_: Request) -> Response:
        grants.families.clear()
        return JSONResponse({})

    async def expire(_: Request) -> Response:
        # The access tokens are gone while everybody believes them to be good for a while.
        grants.access.clear()
        return JSONResponse({})

    async def living(_: Request) -> Response:
        return JSONResponse([token.client_id for token, family in grants.refresh.values() if family in grants.families])

    async def add_client(request: Request) -> Response:
        client = OAuthClientInformationFull.model_validate(await request.json() | {
            "client_id": f"known-{len(grants.clients)}", "client_secret": secrets.token_urlsafe(24), "scope": " ".join(SCOPES),
        })
        grants.clients[client.client_id] = client
        grants.secrets.append(client.client_secret)
        return JSONResponse({"client_id": client.client_id, "client_secret": client.client_secret})

    # What a server for desktop programs says instead of what the SDK writes by itself.
    ours = [Route("/.well-known/oauth-authorization-server", describe), Route("/revoke", revoke, methods=["POST"])]
    routes = [
        *([] if options.as_shipped else ours),
        Route("/introspect", introspect, methods=["POST"]),
        Route("/test/counts", counts),
        Route("/test/tokens", tokens),
        Route("/test/fault", fault, methods=["POST"]),
        Route("/test/forget", forget, methods=["POST"]),
        Route("/test/expire", expire, methods=["POST"]),
        Route("/test/grants", living),
        Route("/test/clients", add_client, methods=["POST"]),
        *create_auth_routes(grants, AnyHttpUrl(issuer), None, registration, revocation),
    ]
    serve(faults.wrap(Starlette(routes=routes)), listener, issuer=issuer)


main()
