"""Canaille, an identity provider, with its database in memory: registration by anybody, and one user, who gets a session for the
asking. What is changed of its settings is how long a token lives."""

import argparse
import datetime
import json
import logging
import secrets
import tempfile

from canaille import create_app
from canaille.app import models
from canaille.app.flask import csrf
from canaille.app.session import login_user
from flask import jsonify, request
from joserfc.jwk import OKPKey, RSAKey
from werkzeug.serving import make_server


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lifetime", type=int, default=5)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    listener = make_server("127.0.0.1", options.port, None, threaded=True)
    issuer = f"http://127.0.0.1:{listener.server_port}"
    folder = tempfile.mkdtemp()
    app = create_app({
        "SECRET_KEY": "known only to this program", "SERVER_NAME": f"127.0.0.1:{listener.server_port}",
        "PREFERRED_URL_SCHEME": "http", "CACHE_TYPE": "SimpleCache",
        "SESSION_TYPE": "filesystem", "SESSION_FILE_DIR": folder,
        "OAUTH2_TOKEN_EXPIRES_IN": {"authorization_code": options.lifetime, "refresh_token": options.lifetime},
        "CANAILLE": {"DATABASE": "memory", "JAVASCRIPT": False},
        "CANAILLE_OIDC": {
            "DYNAMIC_CLIENT_REGISTRATION_OPEN": True,
            "ACTIVE_JWKS": [RSAKey.generate_key(2048).as_dict(private=True), OKPKey.generate_key().as_dict(private=True)],
        },
    })
    backend = app.backend.instance
    with app.app_context():
        ann = models.User(user_name="ann", family_name="Ann", formatted_name="Ann", emails=["ann@example.com"], password="-")
        backend.save(ann)

    def living() -> list:
        now = datetime.datetime.now(datetime.timezone.utc)
        return [each for each in backend.query(models.Token) if each.refresh_token and not each.revokation_date]

    @app.post("/introspect")
    @csrf.exempt
    def introspect():
        """Open to the resource server: who may ask is not what is tried."""
        found = backend.get(models.Token, access_token=request.form["token"])
        if found is None or found.is_expired() or found.is_revoked():
            return jsonify({"active": False})
        return jsonify({
            "active": True, "client_id": found.client.client_id, "scope": " ".join(found.scope), "sub": "ann", "iss": issuer,
            "exp": int(found.get_expires_at()),
        })

    @app.get("/test/sign-in")
    def sign_in():
        login_user(backend.get(models.User, user_name="ann"))
        return jsonify({})

    @app.get("/test/grants")
    def grants():
        return jsonify([each.client.client_id for each in living()])

    @app.post("/test/end")
    @csrf.exempt
    def end():
        for each in living():
            each.revokation_date = datetime.datetime.now(datetime.timezone.utc)
            backend.save(each)
        return jsonify({})

    @app.post("/test/clients")
    @csrf.exempt
    def add_client():
        asked, client_id, secret = request.get_json(), secrets.token_hex(8), secrets.token_urlsafe(24)
        client = models.Client(
            client_id=client_id, client_secret=secret, client_name="Doorward", redirect_uris=asked["redirect_uris"],
            token_endpoint_auth_method=asked["token_endpoint_auth_method"], grant_types=["authorization_code", "refresh_token"],
            response_types=["code"], scope=["openid", "profile"],
        )
        client.audience = [client]
        backend.save(client)
        return jsonify({"client_id": client_id, "client_secret": secret})

    listener.app = app
    print(json.dumps({"port": listener.server_port, "issuer": issuer}), flush=True)
    listener.serve_forever()


main()
