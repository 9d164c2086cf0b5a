"""An authorization server on django-oauth-toolkit, as its guide sets one up: registration by anybody, PKCE, refresh tokens that are
good once. There is one user, who is signed in, and nobody has to consent."""

import argparse
import json
import secrets
import sys
import tempfile
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.urls import include, path

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--lifetime", type=int, default=5)
parser.add_argument("--port", type=int, default=0)
OPTIONS = parser.parse_args()


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def signed_in(get_response):
    """Ann, on each request: how she proved it is not what is tried."""

    def middleware(request: HttpRequest):
        from django.contrib.auth import get_user_model

        request.user = get_user_model().objects.get(username="ann")
        return get_response(request)

    return middleware


settings.configure(
    SECRET_KEY="only here", DEBUG=False, ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF=__name__, USE_TZ=True,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{tempfile.mkdtemp()}/database"}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "oauth2_provider"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware", f"{__name__}.signed_in"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    OAUTH2_PROVIDER={
        "SCOPES": {"tools": "Tools"}, "ACCESS_TOKEN_EXPIRE_SECONDS": OPTIONS.lifetime, "DCR_ENABLED": True,
        "DCR_REGISTRATION_PERMISSION_CLASSES": ("oauth2_provider.dcr.AllowAllDCRPermission",),
        "REQUEST_APPROVAL_PROMPT": "auto", "ALLOWED_REDIRECT_URI_SCHEMES": ["http", "https"],
    },
)
sys.modules.setdefault("django_server", sys.modules[__name__])
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.utils import timezone  # noqa: E402
from django.views.decorators.csrf import csrf_exempt  # noqa: E402
from oauth2_provider.models import get_access_token_model, get_application_model, get_refresh_token_model  # noqa: E402


@csrf_exempt
def introspect(request: HttpRequest) -> JsonResponse:
    """Open to the resource server: who may ask is not what is tried."""
    token = get_access_token_model().objects.filter(token=request.POST["token"]).first()
    if token is None or token.expires <= timezone.now():
        return JsonResponse({"active": False})
    return JsonResponse({
        "active": True, "client_id": token.application.client_id, "scope": token.scope, "sub": "ann",
        "exp": int(token.expires.timestamp()), "iss": ISSUER,
    })


def grants(_: HttpRequest) -> JsonResponse:
    living = get_refresh_token_model().objects.filter(revoked__isnull=True)
    return JsonResponse([each.application.client_id for each in living], safe=False)


@csrf_exempt
def end(_: HttpRequest) -> JsonResponse:
    for each in get_refresh_token_model().objects.filter(revoked__isnull=True):
        each.revoke()
    return JsonResponse({})


@csrf_exempt
def consent(request: HttpRequest) -> JsonResponse:
    """What a user clicks: the next authorization request of this client is not asked about."""
    get_application_model().objects.filter(client_id=json.loads(request.body)["client_id"]).update(skip_authorization=True)
    return JsonResponse({})


@csrf_exempt
def add_client(request: HttpRequest) -> JsonResponse:
    asked, secret = json.loads(request.body), secrets.token_urlsafe(24)
    client = get_application_model().objects.create(
        name="Doorward", client_type="confidential", authorization_grant_type="authorization-code", client_secret=secret,
        redirect_uris=" ".join(asked["redirect_uris"]), skip_authorization=True,
    )
    return JsonResponse({"client_id": client.client_id, "client_secret": secret})


urlpatterns = [
    path("introspect", introspect), path("test/grants", grants), path("test/end", end), path("test/consent", consent),
    path("test/clients", add_client),
    path("", include("oauth2_provider.urls", namespace="oauth2_provider")),
]

call_command("migrate", verbosity=0)
get_user_model().objects.create_user("ann")
application = get_wsgi_application()
listener = make_server("127.0.0.1", OPTIONS.port, application, handler_class=Quiet)
ISSUER = f"http://127.0.0.1:{listener.server_port}"
print(json.dumps({"port": listener.server_port, "issuer": ISSUER}), flush=True)
listener.serve_forever()
