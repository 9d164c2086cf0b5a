"""What could be read in two ways reaches no server, and no policy has to judge it."""

import json

import pytest
from parts import http as by_hand
from parts.turncoat import Turncoat, tool

POLICY = """\
version: 1
roles:
  everybody:
    grant:
      - { server: watched, tools: [add] }
bind:
  - { everyone: true, role: everybody }
"""
META = '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}'
EVIL = '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"delete_all","arguments":{},%s}}' % META


@pytest.fixture(scope="module")
def watched(desk):
    server = Turncoat(tool("add"), tool("delete_all"))
    desk.add_server("watched", server.url)
    desk.policy(POLICY)
    return server


def send(desk, bearer, body, **headers):
    pairs = {
        "Authorization": bearer, "Accept": "application/json, text/event-stream", "Content-Type": "application/json",
        "MCP-Protocol-Version": by_hand.MODERN, "Mcp-Method": "tools/call", "Mcp-Name": "add",
    }
    pairs |= {name.replace("_", "-"): value for name, value in headers.items()}
    data = body.encode() if isinstance(body, str) else body
    return by_hand.request("POST", desk.url("watched"), [(name, value) for name, value in pairs.items() if value], data)


def call(name='"name":"add"', more="", params=META, top=""):
    return '{"jsonrpc":"2.0","id":1%s,"method":"tools/call","params":{%s,"arguments":{}%s,%s}}' % (top, name, more, params)


AMBIGUOUS = {
    "batch": f"[{call()}]",
    "batch of two": f"[{call()},{EVIL}]",
    "two documents": call() + EVIL,
    "two names": call('"name":"add","name":"delete_all"'),
    "two names, one of them escaped": call(r'"name":"add","n\u0061me":"delete_all"'),
    "another case": call('"name":"add","Name":"delete_all"'),
    "another case alone": call('"NAME":"add"'),
    "another case by Unicode's folding": call('"name":"add","arg\u0075ment\u017f":{"x":1}'),
    "a NUL behind the name": call(r'"name":"add","name\u0000":"delete_all"'),
    "a NUL in the name": call(r'"name":"add\u0000"'),
    "two methods": call(top=',"method":"tools/list"'),
    "a method in another case": call(top=',"Method":"resources/read"'),
    "two params": call()[:-1] + ',"params":{"name":"delete_all"}}',
    "params in another case": call()[:-1] + ',"Params":{"name":"delete_all"}}',
    "two ids": call(top=',"id":2'),
    "an id in another case": call(top=',"ID":2'),
    "two versions": call()[:-1] + ',"jsonrpc":"1.0"}',
    "an envelope in another case": call(params=META + ',"_Meta":{}'),
    "a version in another case": call(params=META.replace('"_meta":{', '"_meta":{"io.modelcontextprotocol/ProtocolVersion":"1",')),
    "a task in another case": call(more=',"Task":{}'),
    "a state in another case": call(more=',"RequestState":"x"'),
    "arguments twice": call(more=',"arguments":{"x":1}'),
    "names twice within arguments": call(more='')[:-2].replace('"arguments":{}', '"arguments":{"x":1,"x":2}') + "}}",
    "a member that nobody knows": call(top=',"extra":1'),
    "a trailing comma": call()[:-1] + ",}",
    "a comment": "/**/" + call(),
    "single quotes": call("'name':'add'"),
    "half a surrogate pair": call(r'"name":"add","arguments2":"\ud800"'),
    "a byte order mark": b"\xef\xbb\xbf" + call().encode(),
    "what is no UTF-8": call('"name":"add","x":"@"').encode().replace(b"@", b"\xff"),
    "a name in another encoding": call().encode("utf-16"),
    "a result too": call()[:-1] + ',"result":{}}',
    "a number that is none": call('"name":"add","x":NaN'),
    "a response": '{"jsonrpc":"2.0","id":1,"result":{},"method":"tools/call"}',
}


@pytest.mark.parametrize("body", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_an_ambiguous_message_reaches_no_server(watched, desk, bearer, body):
    before = len(watched.bodies)
    reply = send(desk, bearer, body)
    assert reply.status == 400 and reply.json["error"]["code"] in (-32700, -32600, -32020), reply
    assert len(watched.bodies) == before


@pytest.mark.parametrize("body", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_nor_does_it_in_the_handshake_era(watched, desk, bearer, body):
    before = len(watched.bodies)
    text = body if isinstance(body, bytes) else body.replace("," + META, "").replace(META, '"z":1')
    reply = send(desk, bearer, text, MCP_Protocol_Version="2025-11-25", Mcp_Method="", Mcp_Name="")
    # With the id at hand it is an answer to that request; the error stands in either.
    assert reply.status in (200, 400) and reply.json["error"]["code"] in (-32700, -32600, -32602), reply
    assert len(watched.bodies) == before


@pytest.mark.parametrize(("headers", "status"), [
    ({"Mcp_Name": "delete_all"}, 400), ({"Mcp_Name": ""}, 400), ({"Mcp_Name": "ADD"}, 400),
    ({"Mcp_Name": "=?base64?ZGVsZXRlX2FsbA==?="}, 400), ({"Mcp_Name": "=?BASE64?YWRk?="}, 400),
    ({"Mcp_Method": "tools/list"}, 400), ({"Mcp_Method": ""}, 400),
    ({"MCP_Protocol_Version": "2025-11-25"}, 400), ({"MCP_Protocol_Version": "2099-01-01"}, 400),
    ({"Content_Type": "text/plain"}, 415), ({"Content_Type": "application/json-rpc"}, 415),
    ({"Content_Type": "application/json; charset=utf-16"}, 415), ({"Content_Type": ""}, 415),
    ({"Content_Encoding": "gzip"}, 415), ({"Transfer_Encoding": "gzip"}, 501),
])
def test_heads_that_say_something_else_reach_no_server(watched, desk, bearer, headers, status):
    before = len(watched.bodies)
    reply = send(desk, bearer, call(), **headers)
    assert reply.status == status, reply
    assert len(watched.bodies) == before


def test_a_media_type_in_capitals_is_judged_like_any_other(watched, desk, bearer):
    before = len(watched.bodies)
    reply = send(desk, bearer, EVIL, Content_Type="Application/JSON", Mcp_Name="delete_all")
    assert reply.status == 415 or reply.json["error"]["code"] == -31001
    assert len(watched.bodies) == before


@pytest.mark.parametrize("method", ["tools/invented", "Tools/call", "tools/call ", "rpc.discover", "", "x" * 5000])
def test_an_unknown_method_is_refused_and_recorded(watched, desk, bearer, method):
    before = len(watched.bodies)
    reply = by_hand.rpc(desk.url("watched"), bearer, method, headers={"Mcp-Method": method.strip() or "x"})
    assert reply.status in (400, 404) and reply.json["error"]["code"] in (-32601, -32600, -32020), reply
    assert len(watched.bodies) == before


def test_what_passes_is_what_was_judged_byte_by_byte(watched, desk, bearer):
    body = call(more=',"x" :  [1.0,1e2, "\\u00e9"]')
    assert "result" in send(desk, bearer, body).json
    assert watched.bodies[-1] == body.encode()
    assert json.loads(watched.bodies[-1])["params"]["name"] == "add"
