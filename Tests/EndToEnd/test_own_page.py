"""The user's own page, in a real browser: as it is used, and as others on the machine and in the web would misuse it."""

import socket
import threading
import urllib.parse
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from conftest import OPEN_POLICY
from parts import accessibility, http
from parts.browser import Browser
from parts.processes import wait_for
from parts.world import Desk, Server, World

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def house(world: World, everything: Desk) -> Desk:
    """A desk with a server that is up, and one that wants a sign-in."""
    authorization = world.server("authorization", "authorization_server")
    protected = world.server("protected", "mcp_server", "--issuer", authorization.facts["issuer"])
    everything.add_server("protected", protected.url, "--auth", "oauth")
    everything.client("my-editor")
    return everything


@pytest.fixture(scope="module")
def browser(world: World) -> Iterator[Browser]:
    browser = Browser(world, "own-page")
    yield browser
    browser.close()


@pytest.fixture
def page(house: Desk, browser: Browser) -> Browser:
    """The page, opened by a link of its own."""
    browser.open(link(house))
    browser.shows("Servers")
    return browser


def link(desk: Desk) -> str:
    made = desk.doorward("open", "--no-browser").json
    desk.world.secret(made["url"].rpartition("/")[2])
    assert made["opened"] is False
    return made["url"]


def cookie(desk: Desk) -> str:
    """What a browser has after it has followed a link."""
    reply = http.get(link(desk))
    assert reply.status == 303 and reply.headers["location"] == "/"
    assert "HttpOnly" in reply.headers["set-cookie"] and "SameSite=Strict" in reply.headers["set-cookie"]
    value = reply.headers["set-cookie"].partition(";")[0]
    desk.world.secret(value.partition("=")[2])
    return value


def root(desk: Desk) -> str:
    return f"http://{desk.listen}/"


def token(desk: Desk, opened: str) -> str:
    body = http.get(root(desk), headers={"Cookie": opened}).body.decode()
    return body.partition('name="token" value="')[2].partition('"')[0]


def test_it_opens_once_for_the_browser_that_followed_the_link(house: Desk, browser: Browser) -> None:
    address = link(house)
    browser.open(address)
    browser.shows("everything")
    assert browser.url == root(house)
    (only,) = browser.cookies().values()
    assert only["httpOnly"] is True and only["sameSite"] == "Strict" and only["path"] == "/"
    # Another browser, and the same one a second time.
    assert http.get(address).status == 401
    assert http.get(root(house)).status == 401
    refused = http.get(root(house)).body.decode()
    assert "doorward open" in refused and "everything" not in refused


def test_every_page_is_whole_readable_and_without_complaint(page: Browser, house: Desk, bearer: str) -> None:
    house.doorward("call", "everything", "echo", '{"text": "a"}')
    house.doorward("call", "everything", "delete_thing", "{}", check=False)
    calls = [threading.Thread(target=http.call, args=(house.url("everything"), bearer, "slow", {"seconds": 6}))]
    calls[0].start()
    page.complaints()
    for path, words in {
        "": ["everything", "protected", "needs you"],
        "calls?still": ["a rule forbids it", "forbid/0", "echo", "slow", "Under way"],
        "machine": ["my-editor", "online", "Policy", house.status()["agent_id"]],
    }.items():
        page.open(root(house) + path)
        for each in words:
            page.shows(each)
        for width, dark in [(1280, False), (390, True)]:
            page.look(width, 900, dark)
            picture = page.photograph(house.world.folder / "pictures" / f"own-{path.partition('?')[0] or 'servers'}-{width}.png")
            assert picture.stat().st_size > 5000
            wide = page.driver.execute_script("return document.documentElement.scrollWidth")
            assert wide <= width, f"{path} is {wide} wide in a room of {width}"
            assert accessibility.faults(page) == [] and accessibility.contrast_faults(page) == []
        page.look()
    assert page.complaints() == []
    calls[0].join()


def test_calls_are_followed_without_a_script(world: World, house: Desk, bearer: str) -> None:
    plain = Browser(world, "plain", scripts=False)
    try:
        plain.open(link(house))
        plain.press("Calls")
        plain.shows("Nothing is under way.")
        begun = threading.Thread(target=http.call, args=(house.url("everything"), bearer, "slow", {"seconds": 5}))
        begun.start()
        plain.see("the call", lambda: "Nothing is under way." not in plain.text and "slow" in plain.text)
        plain.press("Hold still")
        plain.shows("Follow")
        begun.join()
    finally:
        plain.close()


def test_a_sign_in_begins_with_a_button_and_ends_in_the_keyring(page: Browser, house: Desk) -> None:
    page.press("Sign in")
    page.shows("Sign in to protected")
    page.press(f"Go to {urllib.parse.urlsplit(house.world.servers['authorization'].facts['issuer']).netloc}")
    wait_for("the sign-in to end", lambda: house.servers()["protected"]["state"] == "up")
    page.open(root(house))
    page.see("the server to be up", lambda: "needs you" not in page.text)
    house.doorward("disconnect", "protected")


def test_a_sign_in_that_cannot_begin_says_why(page: Browser, house: Desk) -> None:
    server = house.world.servers["authorization"]
    server.process.stop()
    try:
        page.open(root(house))
        page.press("Sign in")
        page.shows("The sign-in to protected failed")
        assert "nobody answers" in page.text and "Check that the server runs." in page.text
    finally:
        server.restart()


def test_it_is_closed_for_that_browser(house: Desk) -> None:
    opened = cookie(house)
    assert http.get(root(house), headers={"Cookie": opened}).status == 200
    body = f"token={token(house, opened)}"
    closed = http.request("POST", root(house) + "close", FORM | {"Cookie": opened}, body)
    assert closed.status == 200 and "Max-Age=0" in closed.headers["set-cookie"]
    assert http.get(root(house), headers={"Cookie": opened}).status == 401


def test_no_answer_may_be_shown_kept_or_read_elsewhere(house: Desk) -> None:
    for reply in (http.get(root(house)), http.get(root(house), headers={"Cookie": cookie(house)}), http.get(link(house))):
        policy = reply.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "script-src" not in policy
        assert "unsafe" not in policy and "http" not in policy
        assert reply.headers["cache-control"] == "no-store" and reply.headers["referrer-policy"] == "same-origin"
        assert reply.headers["x-content-type-options"] == "nosniff" and reply.headers["x-frame-options"] == "DENY"
        assert "access-control-allow-origin" not in reply.headers


# Attacks


@pytest.mark.parametrize("host", [
    "evil.example:PORT", "127.0.0.1", "localhost:1", "evil.localhost:PORT", "127.0.0.1:PORT.evil.example",
])
def test_a_name_that_was_rebound_to_this_machine_opens_nothing(house: Desk, host: str) -> None:
    headers = {"Host": host.replace("PORT", str(house.port)), "Cookie": cookie(house)}
    for path in ("", "calls", "machine", "open/x"):
        assert http.get(root(house) + path, headers=headers).status == 421


def test_a_rebound_name_in_a_browser_is_refused(page: Browser, house: Desk) -> None:
    # Browsers lead every name below `localhost` to this machine by themselves.
    page.open(f"http://evil.localhost:{house.port}/")
    assert "everything" not in page.text


@pytest.mark.parametrize("more", [
    {"Origin": "http://127.0.0.1:1"}, {"Origin": "null"}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
])
def test_what_another_page_sends_is_refused(house: Desk, more: dict[str, str]) -> None:
    opened = cookie(house)
    body = f"token={token(house, opened)}&server=protected"
    assert http.request("POST", root(house) + "connect", FORM | {"Cookie": opened} | more, body).status == 403
    assert http.get(root(house), headers={"Cookie": opened} | more).status == 403


def test_a_form_needs_the_token_of_its_visit_and_to_be_a_form(house: Desk) -> None:
    opened, other = cookie(house), cookie(house)
    own = FORM | {"Cookie": opened, "Origin": root(house).rstrip("/")}
    foreign = f"token={token(house, other)}&server=protected"
    for body in ("server=protected", "token=&server=protected", foreign, "%", "token=a&token=a"):
        assert http.request("POST", root(house) + "connect", own, body).status == 403
    good = f"token={token(house, opened)}&server=protected"
    assert http.request("POST", root(house) + "connect", own | {"Content-Type": "text/plain"}, good).status == 415
    assert http.request("POST", root(house) + "connect", own, good + "&x=" + "a" * 20_000).status == 413
    for method in ("PUT", "DELETE", "OPTIONS"):
        assert http.request(method, root(house), {"Cookie": opened}).status == 405
    assert http.request("POST", root(house) + "connect", own, good).status == 200
    assert http.get(root(house) + "servers", headers={"Cookie": opened}).status == 401


def test_a_page_that_may_call_may_not_act(house: Desk) -> None:
    (house.home / "config.yaml").write_text("origins: [https://app.example]\n")
    house.stop_agent()
    house.start_agent()
    try:
        opened = cookie(house)
        headers = FORM | {"Cookie": opened, "Origin": "https://app.example"}
        body = f"token={token(house, opened)}&server=protected"
        assert http.request("POST", root(house) + "connect", headers, body).status == 403
        assert http.get(root(house), headers={"Cookie": opened, "Origin": "https://app.example"}).status == 403
    finally:
        (house.home / "config.yaml").unlink()
        house.stop_agent()
        house.start_agent()


def test_a_cookie_ends_with_the_agent_and_opens_no_other_one(world: World, house: Desk) -> None:
    stranger = world.desk("stranger", keyring=False)
    stranger.start_agent(ready=False)
    theirs = cookie(stranger).partition("=")[2]
    assert http.get(root(stranger), headers={"Cookie": f"doorward-{stranger.port}={theirs}"}).status == 200
    for name in (f"doorward-{house.port}", f"doorward-{stranger.port}"):
        assert http.get(root(house), headers={"Cookie": f"{name}={theirs}"}).status == 401
    opened = cookie(stranger)
    stranger.agent.kill()
    stranger.start_agent(ready=False)
    assert http.get(root(stranger), headers={"Cookie": opened}).status == 401
    stranger.stop_agent()


def test_over_the_socket_there_is_no_page(house: Desk) -> None:
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(house.home / "run" / "agent.sock"))
        line.sendall(f"GET / HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie(house)}\r\n\r\n".encode())
        assert line.recv(1000).startswith(b"HTTP/1.1 404 ")


def test_no_clients_credential_and_no_cookie_open_what_the_other_is_for(house: Desk, bearer: str) -> None:
    assert http.get(root(house), headers={"Authorization": bearer}).status == 401
    assert http.rpc(house.url("everything"), None, "tools/list", headers={"Cookie": cookie(house)}).status == 401
    assert http.request("POST", root(house) + "control/open", FORM | {"Cookie": cookie(house)}, "").status in (401, 404)


class Elsewhere:
    """A page of another program of this machine, whose site is the same for a browser, and whose cookies are too."""

    def __init__(self, html: str) -> None:
        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(html.encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def __enter__(self) -> "Elsewhere":
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()


def begun(server: Server) -> int:
    """How many sign-ins have been asked for."""
    return server.ask("counts").get("registrations", 0) + server.ask("counts").get("authorizations", 0)


def test_a_page_of_another_port_can_neither_press_nor_read_nor_frame(page: Browser, house: Desk) -> None:
    server = house.world.servers["authorization"]
    before = begun(server)
    fields = '<input name="server" value="protected"><input name="token" value="x">'
    form = f'<form method="post" action="{root(house)}connect">{fields}</form>'
    with Elsewhere(form + "<script>document.forms[0].submit()</script>") as pressing:
        page.driver.get(pressing.url)
        page.see("the refusal", lambda: page.url.endswith("/connect"))
        assert "Sign in to protected" not in page.text
    script = f"""<p id="out">nothing</p><script>fetch("{root(house)}", {{credentials: "include"}}).then(r => r.text())
        .then(t => out.textContent = "read " + t, e => out.textContent = "held back")</script>"""
    with Elsewhere(script) as reading:
        page.open(reading.url)
        page.shows("held back")
    with Elsewhere(f'<p>around</p><iframe id="frame" src="{root(house)}"></iframe>') as framing:
        page.open(framing.url)
        page.shows("around")
        page.driver.switch_to.frame("frame")
        assert "everything" not in page.text and "Sign in" not in page.text
        page.driver.switch_to.default_content()
    assert begun(server) == before
