"""The keyring in every state that it can be in: each command says what to do within ten seconds, no second key is made,
and the agent stays up."""

import resource
import time

import pytest
from conftest import OPEN_POLICY
from parts import http
from parts.processes import wait_for


@pytest.fixture(scope="module")
def server(world):
    return world.server("everything", "mcp_server")


@pytest.fixture(scope="module")
def owner(world, desk, server):
    desk.add_server("everything", server.url)
    desk.policy(OPEN_POLICY)
    return desk


def timed(desk, *arguments, **options):
    begin = time.monotonic()
    answer = desk.doorward(*arguments, check=False, **options)
    assert time.monotonic() - begin < 11
    return answer


def invitation(owner, world):
    return world.secret(owner.doorward("admin", "invite", f"{time.monotonic_ns()}@example.com").json["token"])


def agents(owner):
    return owner.doorward("admin", "agents").json["agents"]


def test_a_login_without_a_keyring_says_so_and_enrols_nothing(world, owner):
    desk = world.desk("no-keyring", services=False, keyring=False)
    desk.keyring.start_bus()
    token = invitation(owner, world)
    before = len(agents(owner))
    answer = timed(desk, "login", world.coordinator.url, "--token-file", "-", input=token)
    assert answer.status == 3
    assert answer.json["error"]["code"] == "keyring_unavailable"
    assert answer.json["error"]["next"]
    assert len(agents(owner)) == before
    # The token was not spent on it.
    assert world.desk("with-keyring").login(token)["agent_id"]


def test_a_login_without_a_session_bus_says_so(world, owner):
    desk = world.desk("no-bus", keyring=False)
    answer = timed(desk, "login", world.coordinator.url, "--token-file", "-", input=invitation(owner, world))
    assert (answer.status, answer.json["error"]["code"]) == (3, "keyring_unavailable")


def test_a_service_that_never_answers_is_given_up(world, owner):
    desk = world.desk("hanging")
    with desk.keyring.frozen():
        answer = timed(desk, "login", world.coordinator.url, "--token-file", "-", input=invitation(owner, world))
    assert (answer.status, answer.json["error"]["code"]) == (3, "keyring_unavailable")


@pytest.fixture
def fake(world):
    """A machine whose keyring has the habits that a test sets."""
    desk = world.desk(f"fake-{time.monotonic_ns()}", services=False, keyring=False)
    desk.keyring.start_fake()
    return desk


@pytest.mark.parametrize("how", ["dismiss", "odd", "gone", "vanish"])
def test_a_prompt_that_ends_in_whatever_way_ends_login(world, owner, fake, how):
    token = invitation(owner, world)
    before = len(agents(owner))
    fake.keyring.habit("locked", "1")
    fake.keyring.habit("prompt", how)
    answer = timed(fake, "login", world.coordinator.url, "--token-file", "-", input=token)
    assert answer.status == 3
    assert answer.json["error"]["code"] in {"keyring_locked", "keyring_unavailable"}
    assert "gnome-keyring" not in answer.json["error"]["next"] or how == "vanish"
    assert len(agents(owner)) == before
    # The token was not spent on it, and a window that is answered opens the way, whatever it says.
    fake.keyring.start_fake(locked="1", prompt="words")
    assert fake.login(token)["agent_id"]


def test_a_login_that_cannot_read_its_key_back_leaves_none(world, owner, fake):
    token = invitation(owner, world)
    fake.keyring.habit("garble", "1")
    for _ in range(2):
        answer = timed(fake, "login", world.coordinator.url, "--token-file", "-", input=token)
        assert (answer.status, answer.json["error"]["code"]) == (3, "keyring_unavailable")
    assert fake.keyring.asked("CreateItem") == fake.keyring.asked("Delete") == 2
    fake.keyring.habit("garble", "0")
    assert fake.login(token)["agent_id"]


def test_a_closed_keyring_shows_no_window(world, owner, server, fake):
    fake.login(invitation(owner, world))
    fake.keyring.habit("window_search", "1")
    fake.keyring.habit("locked", "1")
    fake.start_agent(ready=False)
    for command in (["admin", "users"], ["logout"]):
        answer = timed(fake, *command)
        assert (answer.status, answer.json["error"]["code"]) == (3, "keyring_locked")
    # An empty secret is a closed wallet too, and no lost key.
    fake.keyring.habit("locked", "0")
    fake.keyring.habit("empty", "1")
    answer = timed(fake, "admin", "users")
    assert (answer.status, answer.json["error"]["code"]) == (3, "keyring_locked")
    assert fake.keyring.asked("window") == 0
    fake.keyring.habit("empty", "0")
    bearer = fake.client("closed")
    wait_for("the agent to go on", lambda: "result" in http.call(fake.url("everything"), bearer, "echo", {"text": "a"}), 20)
    assert fake.keyring.asked("window") == 0


def test_a_locked_keyring(world, owner, server):
    desk = world.desk("locked")
    desk.login(invitation(owner, world))
    first = desk.status()["agent_id"]
    desk.keyring.lock()
    count = len(agents(owner))

    # Facts that need no secret are still told.
    assert timed(desk, "status").json["agent_id"] == first
    answer = timed(desk, "admin", "users")
    assert (answer.status, answer.json["error"]["code"]) == (3, "keyring_locked")
    # What it says next is a command; here no user sits who could answer the keyring.
    assert answer.json["error"]["next"] == "doorward unlock"
    answer = timed(desk, "unlock")
    assert (answer.status, answer.json["error"]["code"]) == (3, "keyring_locked")

    # The agent starts, is alive, and answers calls with what to do.
    desk.start_agent(ready=False)
    assert http.get(f"http://{desk.listen}/healthz").status == 200
    bearer = desk.client("locked")
    error = http.call(desk.url("everything"), bearer, "echo", {"text": "a"})["error"]
    assert error["code"] == -31003
    assert error["data"]["reason"] == "locked"
    assert desk.doorward("call", "everything", "echo", '{"text": "a"}', check=False).status == 3

    # It takes the unlocking by itself, with the key that it has.
    desk.keyring.unlock()
    assert timed(desk, "unlock").json == {"open": True}
    wait_for("the agent to notice", lambda: "result" in http.call(desk.url("everything"), bearer, "echo", {"text": "a"}), 20)
    assert desk.status()["agent_id"] == first
    assert len(agents(owner)) == count

    # A keyring that locks later stops only what must be read or written anew.
    desk.keyring.lock()
    assert "result" in http.call(desk.url("everything"), bearer, "echo", {"text": "a"})


def test_the_agent_outlives_its_session_bus(world, owner, server):
    desk = world.desk("survivor")
    desk.login(invitation(owner, world))
    desk.start_agent()
    bearer = desk.client("survivor")
    assert "result" in http.call(desk.url("everything"), bearer, "echo", {"text": "a"})
    desk.keyring.stop_bus()
    time.sleep(1)
    assert desk.agent.running()
    assert "result" in http.call(desk.url("everything"), bearer, "echo", {"text": "a"})
    desk.keyring.start()
    desk.countersigned()
    assert desk.agent.running()


def few_files(desk, most: int) -> None:
    """From now on the agent can open a file only while it has fewer than these."""
    _, hard = resource.prlimit(desk.agent.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(desk.agent.pid, resource.RLIMIT_NOFILE, (most, hard))


def test_files_that_run_out_end_nothing(world, owner, server):
    desk = world.desk("few-files")
    desk.login(invitation(owner, world))
    first = desk.status()["agent_id"]
    desk.keyring.lock()
    desk.start_agent(ready=False)
    # The agent asks for the key each second; with no file left the keyring's library would end the process.
    few_files(desk, 8)
    time.sleep(3)
    assert desk.agent.running()
    few_files(desk, 1024)
    desk.keyring.unlock()
    bearer = desk.client("few")
    wait_for("the agent to go on", lambda: "result" in http.call(desk.url("everything"), bearer, "echo", {"text": "a"}), 30)

    # A membership that cannot be read is there all the same, and so is what was recorded.
    before = desk.countersigned()["recorded"]
    few_files(desk, 8)
    time.sleep(3)
    few_files(desk, 1024)
    wait_for("the agent to answer", lambda: desk.status()["running"])
    facts = desk.status()
    assert (facts["agent_id"], facts["problem"]) == (first, None)
    assert facts["audit"]["recorded"] == before
    assert "result" in http.call(desk.url("everything"), bearer, "echo", {"text": "a"})
    desk.countersigned()
