"""Access tokens that say themselves what they are good for: signed by the keys that an issuer publishes."""

import anyio
import jwt
from mcp.server.auth.provider import AccessToken


class SignedTokens:
    """Judges a token by its signature, its issuer and its end."""

    def __init__(self, issuer: str, keys: str) -> None:
        self.issuer = issuer
        self.keys = jwt.PyJWKClient(keys)

    async def verify_token(self, token: str) -> AccessToken | None:
        def read() -> dict:
            key = self.keys.get_signing_key_from_jwt(token)
            return jwt.decode(
                token, key, algorithms=["RS256"], issuer=self.issuer, options={"verify_aud": False, "require": ["exp"]}
            )

        try:
            facts = await anyio.to_thread.run_sync(read)
        except jwt.PyJWTError:
            return None
        return AccessToken(
            token=token, client_id=facts["client_id"], scopes=facts["scope"].split(), expires_at=facts["exp"],
            subject=facts["sub"], claims={"iss": facts["iss"]},
        )
