"""What was given is taken back: invitations, tokens, roles, people, and machines that were stolen for a minute."""

import json

import pytest
from parts.processes import wait_for
from parts.world import Desk


def invite(world, by: Desk, email: str, *more: str) -> dict:
    made = by.doorward("admin", "invite", email, *more).json
    world.secret(made["token"])
    return made


def comes_in(world, name: str, token: str) -> Desk:
    desk = world.desk(name)
    desk.login(token)
    return desk


def is_refused(world, name: str, token: str) -> str:
    """The code with which a new machine is turned away."""
    answer = world.desk(name).doorward(
        "login", world.coordinator.url, "--token-file", "-", input=token + "\n", check=False
    )
    assert answer.status == 1, answer
    return answer.json["error"]["code"]


def state_of(desk: Desk, invitation: str) -> str:
    listed = desk.doorward("admin", "invite", "list").json["invitations"]
    return next(each["state"] for each in listed if each["id"] == invitation)


def test_an_invitation_is_listed_and_taken_back(world, desk):
    made = invite(world, desk, "ann@example.com")
    assert state_of(desk, made["id"]) == "open"
    shown = desk.doorward("admin", "invite", "revoke", made["id"]).json
    assert (shown["state"], shown["email"]) == ("revoked", "ann@example.com")
    assert state_of(desk, made["id"]) == "revoked"
    assert is_refused(world, "withdrawn", made["token"]) == "token_spent"
    unknown = desk.doorward("admin", "invite", "revoke", "nothing", check=False)
    assert (unknown.status, unknown.json["error"]["code"]) == (1, "unknown_invitation")
    assert unknown.json["error"]["next"] == "See which there are: doorward admin invite list"
    table = desk.doorward("admin", "invite", "list", json=False).out
    assert "MADE WITH" in table and "revoked" in table and made["token"] not in table


def test_a_machine_that_was_stolen_for_a_minute_leaves_no_way_back(world, desk):
    stolen = comes_in(world, "stolen", invite(world, desk, "adam@example.com", "--role", "admin")["token"])
    agent = stolen.status()["agent_id"]
    again = invite(world, stolen, "adam@example.com", "--role", "admin", "--expires", "30d")
    invented = invite(world, stolen, "mallory@example.com", "--role", "admin", "--expires", "30d")
    made = stolen.doorward("admin", "tokens", "add", "thief", "--scope", "admin", "--expires", "1h").json
    auth = {"Authorization": f"Bearer {world.secret(made['token'])}"}
    question = {"email": "mallory@example.com", "role": "admin", "expires_in": 30 * 86_400}
    by_token = world.coordinator.request("POST", "/v1/invitations", headers=auth, body=question).json
    world.secret(by_token["token"])
    assert by_token["expires"] == made["expires"]
    entered = comes_in(
        world, "entered", invite(world, stolen, "eve@example.com", "--role", "admin")["token"]
    )
    comes_in(world, "friend", invite(world, desk, "friend@example.com")["token"])
    stolen.doorward("admin", "users", "role", "friend@example.com", "admin")

    facts = desk.doorward("admin", "agents", "revoke", agent).json
    assert facts["revoked"] == "revoked"
    assert facts["ended"]["tokens"] == ["thief"]
    assert set(facts["ended"]["invitations"]) == {again["id"], invented["id"], by_token["id"]}
    assert [each["agent_id"] for each in facts["enrolled"]] == [entered.status()["agent_id"]]
    assert {each["email"] for each in facts["raised"]} == {"eve@example.com", "friend@example.com"}
    for name, token in (("a", again), ("b", invented), ("c", by_token)):
        assert is_refused(world, f"back-{name}", token["token"]) == "token_spent"
    assert world.coordinator.get("/v1/users", headers=auth).status == 401

    # The machine that the thief let in is named, and goes by the next command.
    assert entered.doorward("admin", "users").status == 0
    words = desk.doorward("admin", "agents", "revoke", agent, json=False).out
    assert f"doorward admin agents revoke {entered.status()['agent_id']}" in words
    assert "doorward admin users role friend@example.com member" in words
    taken = desk.doorward("admin", "agents", "revoke", agent, "--and-enrolled").json
    assert taken["ended"]["agents"] == [entered.status()["agent_id"]]
    assert entered.doorward("admin", "users", check=False).json["error"]["code"] == "revoked_key"


def test_a_revoked_machine_is_told_by_the_coordinators_signed_word(world, desk):
    """The status 401 alone could be anybody's on the way; the statement is signed."""
    lost = comes_in(world, "lost", invite(world, desk, "lost@example.com", "--role", "auditor")["token"])
    agent = lost.status()["agent_id"]
    desk.doorward("admin", "agents", "revoke", agent)
    body = lost.doorward("admin", "api", "GET", "/v1/users", check=False).json["body"]
    assert body["type"].endswith("/revoked_key")
    host = world.coordinator.url.removeprefix("https://")
    origin, document = body["statement"].split("\n")[:2]
    assert origin == f"{host}/revocation"
    assert json.loads(document)["agent"] == agent


def test_a_token_takes_what_it_made_with_it(world, desk):
    made = desk.doorward("admin", "tokens", "add", "onboarding", "--scope", "admin").json
    auth = {"Authorization": f"Bearer {world.secret(made['token'])}"}
    question = {"email": "new@example.com"}
    invitation = world.coordinator.request("POST", "/v1/invitations", headers=auth, body=question).json
    world.secret(invitation["token"])
    second = world.coordinator.request(
        "POST", "/v1/tokens", headers=auth, body={"name": "second", "scopes": ["read"]}
    ).json
    facts = desk.doorward("admin", "tokens", "remove", "onboarding").json
    assert set(facts["ended"]["tokens"]) == {"onboarding", "second"}
    assert facts["ended"]["invitations"] == [invitation["id"]]
    assert is_refused(world, "onboarded", invitation["token"]) == "token_spent"
    other = {"Authorization": f"Bearer {world.secret(second['token'])}"}
    assert world.coordinator.get("/v1/users", headers=other).status == 401


def test_a_role_is_lowered_and_what_it_gave_goes(world, desk):
    bob = comes_in(world, "bob", invite(world, desk, "bob@example.com", "--role", "admin")["token"])
    bob.doorward("admin", "tokens", "add", "watch", "--scope", "metrics")
    made = invite(world, bob, "carl@example.com")
    facts = desk.doorward("admin", "users", "role", "Bob@Example.com", "auditor").json
    assert (facts["email"], facts["role"]) == ("bob@example.com", "auditor")
    assert facts["ended"]["tokens"] == ["watch"]
    assert facts["ended"]["invitations"] == [made["id"]]
    assert bob.doorward("admin", "users").status == 0
    assert bob.doorward("admin", "invite", "carl@example.com", check=False).json["error"]["code"] == "role_needed"
    assert bob.doorward("admin", "users", "role", "bob@example.com", "admin", check=False).status == 1
    assert desk.doorward("admin", "users", "role", "bob@example.com", "emperor", check=False).status == 2
    listed = {each["email"]: each["role"] for each in desk.doorward("admin", "users").json["users"]}
    assert listed["bob@example.com"] == "auditor"


def test_a_person_who_is_removed_is_out_at_once_and_comes_back_only_by_an_invitation(world, desk):
    dora = comes_in(world, "dora", invite(world, desk, "dora@example.com", "--role", "editor")["token"])
    dora.start_agent()
    wait_for("the agent to be online", lambda: dora.status()["link"] == "online", 15)
    kept = invite(world, desk, "dora@example.com", "--role", "editor")
    dora.doorward("admin", "tokens", "add", "doras", "--scope", "policy")
    facts = desk.doorward("admin", "users", "remove", "dora@example.com").json
    assert facts["ended"] == {
        "agents": [dora.status()["agent_id"]], "tokens": ["doras"], "invitations": [kept["id"]],
    }
    wait_for("the agent to hear of it", lambda: dora.status()["link"] != "online", 10)
    assert "dora@example.com" not in [each["email"] for each in desk.doorward("admin", "users").json["users"]]
    assert is_refused(world, "dora-again", kept["token"]) == "token_spent"
    unknown = desk.doorward("admin", "users", "remove", "nobody@example.com", check=False)
    assert (unknown.status, unknown.json["error"]["code"]) == (1, "unknown_user")
    back = comes_in(world, "dora-back", invite(world, desk, "dora@example.com")["token"])
    assert back.doorward("admin", "users", check=False).json["error"]["code"] == "role_needed"


def test_the_last_owner_stays_and_nobody_acts_on_somebody_above(world, desk):
    for command in (("users", "remove", "owner@example.com"), ("users", "role", "owner@example.com", "admin")):
        answer = desk.doorward("admin", *command, check=False)
        assert (answer.status, answer.json["error"]["code"]) == (1, "last_owner"), command
        assert answer.json["error"]["next"]
    fred = comes_in(world, "fred", invite(world, desk, "fred@example.com", "--role", "admin")["token"])
    desk.doorward("admin", "tokens", "add", "owners", "--scope", "read")
    owners = invite(world, desk, "gina@example.com")
    for command in (
        ("users", "remove", "owner@example.com"), ("users", "role", "owner@example.com", "member"),
        ("users", "role", "fred@example.com", "owner"), ("tokens", "remove", "owners"),
        ("invite", "revoke", owners["id"]), ("agents", "revoke", desk.status()["agent_id"]),
    ):
        answer = fred.doorward("admin", *command, check=False)
        assert (answer.status, answer.json["error"]["code"]) == (1, "role_needed"), command


@pytest.mark.parametrize("target", [
    "/v1/users?x=1", "/v1/servers?limit=no", "/v1/policy?version=1", "/v1/agents?x", "/healthz?verbose=1",
    "/v1/identity?x=1",
])
def test_a_query_that_means_nothing_is_refused(desk, target):
    facts = desk.doorward("admin", "api", "GET", target, check=False).json
    assert facts["status"] == 400
    assert facts["body"]["type"].endswith("/bad_query")


def test_an_owner_who_has_lost_every_machine_is_let_in_by_the_host(world):
    """The only machine of the only owner leaves: from then on only the holder of the folder can make an owner."""
    coordinator = world.coordinator
    running = coordinator.run(
        "invite-owner", "--data", str(coordinator.data), "--owner", "late@example.com", "--json", check=False
    )
    assert running.status == 1, running
    bad = coordinator.run("invite-owner", "--data", str(coordinator.data), "--owner", "nobody", "--json", check=False)
    assert bad.status == 2, bad
    coordinator.process.stop()
    try:
        made = coordinator.run(
            "invite-owner", "--data", str(coordinator.data), "--owner", "late@example.com", "--json"
        ).json
    finally:
        coordinator.start()
    world.secret(made["token"])
    assert made["owner"] == "late@example.com" and made["url"] == coordinator.url
    late = comes_in(world, "late", made["token"])
    assert {"late@example.com": "owner"}.items() <= {
        each["email"]: each["role"] for each in late.doorward("admin", "users").json["users"]
    }.items()
    assert is_refused(world, "twice", made["token"]) == "token_spent"
