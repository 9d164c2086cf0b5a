"""Signing in with a one-time link, in a real browser: the first minutes of a coordinator, and the day without a provider."""

import socket
import socketserver
import sqlite3
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from parts.browser import Browser
from parts.world import Desk, World, free_port


@pytest.fixture(scope="module")
def browser(world: World):
    browser = Browser(world, "owner")
    yield browser
    browser.close()


def link(world: World, *more: str) -> str:
    made = world.coordinator.run("sign-in-link", "--data", str(world.coordinator.data), *more, "--json").json
    return world.secret(made["url"].rsplit("/", 1)[1]) and made["url"]


def sign_in(browser: Browser, url: str) -> None:
    browser.open(url)
    browser.press("Sign in")
    browser.see("what comes of it", lambda: "/sign-in/link/" not in browser.url)


def test_first_minutes(world: World, browser: Browser) -> None:
    """Before any machine is enrolled, beside the coordinator that serves: the owner is in, with a cookie that no script can read."""
    sign_in(browser, link(world))
    cookie = browser.cookies()["__Host-doorward"]
    assert cookie["httpOnly"] and cookie["secure"] and cookie["sameSite"] == "Lax" and cookie["path"] == "/"
    assert "expiry" not in cookie
    browser.open("/v1/session")
    assert '"user":"owner@example.com"' in browser.text and '"role":"owner"' in browser.text
    assert browser.complaints() == []
    assert browser.driver.execute_script("return document.cookie") == ""


def test_link_is_good_once(world: World, browser: Browser) -> None:
    """A second browser is told so, on a page and without a cookie; a link that was never one is answered alike."""
    url = link(world, "--user", "owner@example.com")
    second = Browser(world, "second")
    sign_in(browser, url)
    assert "__Host-doorward" in browser.cookies()
    for address in (url, url[:-4] + "AAAA"):
        second.open(address)
        second.shows("was used before, has expired, or is none of this coordinator's")
    assert second.cookies() == {}
    second.close()


def test_who_gets_a_link(world: World) -> None:
    answer = world.coordinator.run(
        "sign-in-link", "--data", str(world.coordinator.data), "--user", "eve@example.com", "--json", check=False
    )
    assert answer.status == 1 and answer.json["error"]["code"] == "unknown_user"


@contextmanager
def page(text: str) -> Iterator[str]:
    """A page of another site; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_another_site_changes_nothing(world: World, browser: Browser) -> None:
    """A page of another site posts forms to the coordinator in the owner's browser. The cookie does not go along, and a link
    that the page has got hold of signs nobody in."""
    sign_in(browser, link(world))
    foreign = link(world).rsplit("/", 1)[1]
    form = '<form method="post" action="{}" enctype="{}"><input name="{}" value="x"><button>Win a prize</button></form>'
    for path, kind, name, code in (
        ("/v1/tokens", "text/plain", '{"name":"evil","scopes":["admin"],"x":"', "/unsigned"),
        ("/sign-out", "application/x-www-form-urlencoded", "csrf", "/unsigned"),
        ("/sign-in/link", "application/x-www-form-urlencoded", "link", "another origin"),
    ):
        text = form.format(world.coordinator.url + path, kind, name.replace('"', "&quot;")).replace('value="x"', f'value="{foreign}"')
        with page(text) as url:
            browser.open(url)
            browser.press("Win a prize")
            browser.shows(code)
    browser.open("/v1/session")
    assert '"user":"owner@example.com"' in browser.text
    browser.open("/v1/tokens")
    assert '"tokens":[]' in browser.text
    browser.complaints()


def test_sign_out(world: World, browser: Browser) -> None:
    """The browser forgets, and what it had opens nothing any more, though it is sent once more by hand."""
    sign_in(browser, link(world))
    cookie = world.secret(browser.cookies()["__Host-doorward"]["value"])
    browser.press("Sign out")
    browser.shows("This browser is signed out of Doorward.")
    assert browser.cookies() == {}
    reply = world.coordinator.get("/v1/session", headers={"Cookie": f"__Host-doorward={cookie}"})
    assert reply.status == 401 and reply.json["type"].endswith("session_ended")


def test_link_of_a_machine(world: World, desk: Desk, browser: Browser) -> None:
    """An enrolled machine is a way in too; what it opened ends with the machine."""
    made = desk.doorward("admin", "console").json
    assert made["user"] == "owner@example.com" and made["url"].startswith(world.coordinator.url)
    world.secret(made["url"].rsplit("/", 1)[1])
    sign_in(browser, made["url"])
    browser.open("/v1/session")
    assert '"how":"link"' in browser.text
    # Another owner takes the machine away: the first one's own browser.
    other = world.desk("second")
    other.login(desk.doorward("admin", "invite", "second@example.com", "--role", "owner").json["token"])
    other.doorward("admin", "agents", "revoke", desk.status()["agent_id"])
    browser.open("/v1/session")
    browser.shows("session_ended")


def test_database_holds_no_secret(world: World) -> None:
    """Of cookies and links there are hashes: a copy of the database opens nothing."""
    with sqlite3.connect(f"file:{world.coordinator.data}/coordinator.sqlite?mode=ro", uri=True) as database:
        dump = "\n".join(database.iterdump())
    assert "browser_session" in dump
    for secret in world.secrets:
        assert secret not in dump


def test_plain_http(world: World) -> None:
    """Without TLS, for a proxy on this machine: people come through the proxy, and nobody signs in past it."""
    assert world.coordinator.process is not None
    world.coordinator.process.stop()
    port = free_port()
    url = link(world, "--user", "owner@example.com")
    with proxy(world, port):
        world.coordinator.start("--insecure-http", "--listen", f"127.0.0.1:{port}")
        browser = Browser(world, "past")
        sign_in(browser, url.replace(world.coordinator.url, f"http://127.0.0.1:{port}"))
        browser.shows("Open the coordinator at its own URL")
        assert browser.cookies() == {}
        sign_in(browser, url)
        browser.open("/v1/session")
        browser.shows("owner@example.com")
        browser.close()


@contextmanager
def proxy(world: World, port: int) -> Iterator[None]:
    """Ends TLS where people reach the coordinator, and passes on what comes to a port of this machine."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    folder = world.coordinator.data / "tls"
    context.load_cert_chain(folder / "server.pem", folder / "server.key")

    def pump(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError), context.wrap_socket(self.request, server_side=True) as front:
                with socket.create_connection(("127.0.0.1", port)) as back:
                    there = threading.Thread(target=pump, args=(front, back), daemon=True)
                    there.start()
                    pump(back, front)
                    there.join(5)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with Server(("127.0.0.1", int(world.coordinator.url.rsplit(":", 1)[1])), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()
