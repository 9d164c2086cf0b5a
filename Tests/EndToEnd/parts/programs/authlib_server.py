"""An authorization server on Authlib and Flask, in the shape of Authlib's own guide: what people build on that library.

Registration gives every client a secret, also one that registers with `none`; revocation wants that secret, by HTTP Basic. With
`--rotating` each refresh token is good once. There is nobody to consent. `/test/grants` tells which grants are alive,
`POST /test/end` ends them all, `POST /test/clients` registers a client as an administrator does.
"""

import argparse
import json
import logging
import os
import secrets
import time

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin, TokenMixin, grants
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7591 import ClientRegistrationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc9207 import IssuerParameter
from flask import Flask, jsonify, request
from werkzeug.serving import make_server

METHODS = ["none", "client_secret_basic", "client_secret_post"]


class Client(ClientMixin):
    def __init__(self, facts: dict, metadata: dict) -> None:
        self.client_id, self.client_secret = facts["client_id"], facts["client_secret"]
        self.redirect_uris = metadata["redirect_uris"]
        self.method = metadata.get("token_endpoint_auth_method", "client_secret_basic")

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> str:
        return self.redirect_uris[0]

    def get_allowed_scope(self, scope: str | None) -> str:
        return scope or ""

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        return secrets.compare_digest(self.client_secret, client_secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == self.method if endpoint == "token" else True

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in ("authorization_code", "refresh_token")


class Code(AuthorizationCodeMixin):
    def __init__(self, code: str, asked) -> None:
        self.code, self.client_id = code, asked.client.client_id
        self.redirect_uri, self.scope = asked.payload.redirect_uri, asked.payload.scope
        self.code_challenge = asked.payload.data.get("code_challenge")
        self.code_challenge_method = asked.payload.data.get("code_challenge_method")

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope


class Token(TokenMixin):
    def __init__(self, client_id: str, issued: dict) -> None:
        self.client_id, self.scope = client_id, issued.get("scope", "")
        self.access_token, self.refresh_token = issued["access_token"], issued.get("refresh_token")
        self.expires_in, self.expires_at = issued["expires_in"], int(time.time()) + issued["expires_in"]
        self.revoked = False

    def check_client(self, client: Client) -> bool:
        return self.client_id == client.client_id

    def get_scope(self) -> str:
        return self.scope

    def get_expires_in(self) -> int:
        return self.expires_in

    def is_expired(self) -> bool:
        return self.expires_at <= time.time()

    def is_revoked(self) -> bool:
        return self.revoked

    def get_user(self) -> str:
        return "ann"

    def get_client(self) -> Client:
        return clients[self.client_id]


clients: dict[str, Client] = {}
codes: dict[str, Code] = {}
tokens: list[Token] = []
handed_out: list[str] = []


class CodeGrant(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def save_authorization_code(self, code, request):
        codes[code] = Code(code, request)
        handed_out.append(code)

    def query_authorization_code(self, code, client):
        found = codes.get(code)
        return found if found and found.client_id == client.client_id else None

    def delete_authorization_code(self, authorization_code):
        del codes[authorization_code.code]

    def authenticate_user(self, authorization_code):
        return "ann"


class RefreshGrant(grants.RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def authenticate_refresh_token(self, refresh_token):
        return next((each for each in tokens if each.refresh_token == refresh_token and not each.revoked), None)

    def authenticate_user(self, refresh_token):
        return "ann"

    def revoke_old_credential(self, refresh_token):
        if self.INCLUDE_NEW_REFRESH_TOKEN:
            refresh_token.revoked = True


class Revocation(RevocationEndpoint):
    def query_token(self, token_string, token_type_hint):
        return next((each for each in tokens if token_string in (each.refresh_token, each.access_token)), None)

    def revoke_token(self, token, request):
        for each in tokens:
            if each.client_id == token.client_id:
                each.revoked = True


class Registration(ClientRegistrationEndpoint):
    def authenticate_token(self, request):
        return "anybody"

    def get_server_metadata(self):
        return {}

    def save_client(self, client_info, client_metadata, request):
        clients[client_info["client_id"]] = client = Client(client_info, client_metadata)
        handed_out.append(client.client_secret)
        return client


def save_token(issued: dict, asked) -> None:
    tokens.append(Token(asked.client.client_id, issued))
    handed_out.extend(issued[name] for name in ("access_token", "refresh_token") if name in issued)


def build(issuer: str, lifetime: int, rotating: bool) -> Flask:
    app = Flask(__name__)
    app.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = True
    app.config["OAUTH2_TOKEN_EXPIRES_IN"] = {"authorization_code": lifetime, "refresh_token": lifetime}
    server = AuthorizationServer(app, clients.get, save_token)
    RefreshGrant.INCLUDE_NEW_REFRESH_TOKEN = rotating

    class Issuer(IssuerParameter):
        def get_issuer(self) -> str:
            return issuer

    server.register_extension(Issuer())
    server.register_grant(CodeGrant, [CodeChallenge(required=True)])
    server.register_grant(RefreshGrant)
    server.register_endpoint(Revocation)
    server.register_endpoint(Registration)

    @app.get("/.well-known/oauth-authorization-server")
    def describe():
        return jsonify({
            "issuer": issuer, "authorization_endpoint": f"{issuer}/authorize", "token_endpoint": f"{issuer}/token",
            "registration_endpoint": f"{issuer}/register", "revocation_endpoint": f"{issuer}/revoke",
            "response_types_supported": ["code"], "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"], "token_endpoint_auth_methods_supported": METHODS,
            "revocation_endpoint_auth_methods_supported": ["client_secret_basic"],
            "authorization_response_iss_parameter_supported": True,
        })

    @app.get("/authorize")
    def authorize():
        return server.create_authorization_response(grant_user="ann")

    @app.post("/token")
    def token():
        return server.create_token_response()

    @app.post("/revoke")
    def revoke():
        return server.create_endpoint_response("revocation")

    @app.post("/register")
    def register():
        return server.create_endpoint_response("client_registration")

    @app.post("/introspect")
    def introspect():
        found = next((each for each in tokens if each.access_token == request.form["token"]), None)
        if found is None or found.revoked or found.is_expired():
            return jsonify({"active": False})
        return jsonify({
            "active": True, "client_id": found.client_id, "scope": found.scope, "exp": found.expires_at, "sub": "ann",
            "iss": issuer,
        })

    @app.get("/test/grants")
    def living():
        return jsonify([each.client_id for each in tokens if each.refresh_token and not each.revoked])

    @app.get("/test/tokens")
    def everything():
        return jsonify(handed_out)

    @app.post("/test/end")
    def end():
        for each in tokens:
            each.revoked = True
        return jsonify({})

    @app.post("/test/clients")
    def add_client():
        facts = {"client_id": f"known-{len(clients)}", "client_secret": "+ %&:=/" + secrets.token_urlsafe(24)}
        clients[facts["client_id"]] = Client(facts, request.get_json())
        handed_out.append(facts["client_secret"])
        return jsonify(facts)

    return app


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lifetime", type=int, default=5, help="seconds that an access token lives")
    parser.add_argument("--rotating", action="store_true", help="each refresh token is good once")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    # Its log would hold the codes of every sign-in.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    # Plain HTTP, for loopback alone.
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    app = Flask("none yet")
    listener = make_server("127.0.0.1", options.port, app, threaded=True)
    issuer = f"http://127.0.0.1:{listener.server_port}"
    listener.app = build(issuer, options.lifetime, options.rotating)
    print(json.dumps({"port": listener.server_port, "issuer": issuer}), flush=True)
    listener.serve_forever()


main()
