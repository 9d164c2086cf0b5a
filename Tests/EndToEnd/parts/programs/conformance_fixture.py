"""What the fixture servers of the conformance tests have, under the names of the official suite: plain JSON, of no era.

A tool is a generator. It yields `notify(method, params)` for what it tells on its way, and `ask({key: request})` for what it
wants to know of the client, which gives it the results by their keys; it returns its result. The servers of the two eras run
it in their ways: one asks the client in the middle of the call, the other ends the call with `input_required` each time.
"""

import base64
from collections.abc import Generator
from typing import Any

PIXEL = base64.b64encode(bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c626001000000050001"
    "0d0a2db40000000049454e44ae426082"
)).decode()
SOUND = base64.b64encode(b"RIFF$\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0@\x1f\0\0\x80>\0\0\x02\0\x10\0data\0\0\0\0").decode()

STATIC, BINARY, WATCHED = "test://static-text", "test://static-binary", "test://watched-resource"
TEMPLATE = "test://template/{id}/data"
NOT_THERE = "test://nonexistent-resource-for-conformance-testing"


def notify(method: str, **params: Any) -> tuple[str, str, dict[str, Any]]:
    return ("notify", method, params)


def ask(**requests: dict[str, Any]) -> tuple[str, dict[str, dict[str, Any]]]:
    return ("ask", requests)


def form(message: str, required: list[str] | None = None, **properties: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": required or []}
    return {"method": "elicitation/create", "params": {"mode": "form", "message": message, "requestedSchema": schema}}


def sampling(words: str) -> dict[str, Any]:
    message = {"role": "user", "content": {"type": "text", "text": words}}
    return {"method": "sampling/createMessage", "params": {"messages": [message], "maxTokens": 100}}


ROOTS = {"method": "roots/list"}


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": words}], **more}


def one(*content: dict[str, Any]) -> dict[str, Any]:
    return {"content": list(content)}


Steps = Generator[tuple, dict[str, Any], dict[str, Any]]
NAME = {"type": "string", "description": "Your name"}


def simple_text(_: dict) -> Steps:
    return text("This is a simple text response for testing.")
    yield


def image_content(_: dict) -> Steps:
    return one({"type": "image", "data": PIXEL, "mimeType": "image/png"})
    yield


def audio_content(_: dict) -> Steps:
    return one({"type": "audio", "data": SOUND, "mimeType": "audio/wav"})
    yield


def embedded_resource(_: dict) -> Steps:
    resource = {"uri": "test://embedded-resource", "mimeType": "text/plain", "text": "This is an embedded resource content."}
    return one({"type": "resource", "resource": resource})
    yield


def multiple_content_types(_: dict) -> Steps:
    resource = {"uri": "test://mixed-content-resource", "mimeType": "application/json", "text": '{"test":"data","value":123}'}
    return one(
        {"type": "text", "text": "Multiple content types test:"},
        {"type": "image", "data": PIXEL, "mimeType": "image/png"},
        {"type": "resource", "resource": resource},
    )
    yield


def error_handling(_: dict) -> Steps:
    return text("This tool intentionally returns an error for testing", isError=True)
    yield


def tool_with_progress(_: dict) -> Steps:
    for done in (0, 50, 100):
        yield notify("notifications/progress", progress=done, total=100, message=f"{done} of 100")
    return text("progress complete")


def tool_with_logging(_: dict) -> Steps:
    for words in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        yield notify("notifications/message", level="info", data=words)
    return text("Tool with logging executed successfully")


def ask_model(arguments: dict) -> Steps:
    answers = yield ask(sample=sampling(arguments.get("prompt", "Test prompt for sampling")))
    return text(f"LLM response: {answers['sample']['content']['text']}")


def ask_user(arguments: dict) -> Steps:
    question = form(
        arguments.get("message", "Please provide your information"), ["username", "email"],
        username={"type": "string", "description": "User's response"}, email={"type": "string", "format": "email"},
    )
    answer = (yield ask(user=question))["user"]
    return text(f"User response: action={answer['action']}, content={sorted((answer.get('content') or {}).items())}")


def ask_defaults(_: dict) -> Steps:
    question = form(
        "Please review and update the form fields with defaults",
        name={"type": "string", "default": "John Doe"}, age={"type": "integer", "default": 30},
        score={"type": "number", "default": 95.5}, verified={"type": "boolean", "default": True},
        status={"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
    )
    answer = (yield ask(form=question))["form"]
    return text(f"Elicitation completed: action={answer['action']}, content={sorted((answer.get('content') or {}).items())}")


def ask_enums(_: dict) -> Steps:
    titled = [{"const": f"value{n}", "title": f"Option {n}"} for n in (1, 2, 3)]
    question = form(
        "Please select options from the enum fields",
        untitledSingle={"type": "string", "enum": ["option1", "option2", "option3"]},
        titledSingle={"type": "string", "oneOf": titled},
        legacyEnum={"type": "string", "enum": ["opt1", "opt2"], "enumNames": ["Option One", "Option Two"]},
        untitledMulti={"type": "array", "items": {"type": "string", "enum": ["option1", "option2"]}},
        titledMulti={"type": "array", "items": {"anyOf": titled}},
    )
    answer = (yield ask(form=question))["form"]
    return text(f"Elicitation completed: action={answer['action']}, content={sorted((answer.get('content') or {}).items())}")


def required_elicitation(_: dict) -> Steps:
    answer = (yield ask(user_name=form("What is your name?", ["name"], name=NAME)))["user_name"]
    return text(f"Hello, {answer['content']['name']}!" if answer["action"] == "accept" else f"No name: {answer['action']}")


def required_sampling(_: dict) -> Steps:
    answers = yield ask(capital_question=sampling("What is the capital of France?"))
    return text(f"Model says: {answers['capital_question']['content']['text']}")


def required_roots(_: dict) -> Steps:
    roots = (yield ask(client_roots=ROOTS))["client_roots"]["roots"]
    return text(f"Roots: {', '.join(root['uri'] for root in roots)}")


def required_state(_: dict) -> Steps:
    answer = (yield ask(confirm=form("Please confirm", ["ok"], ok={"type": "boolean"})))["confirm"]
    return text(f"state-ok, confirmed: {answer['content']['ok']}")


def required_multiple(_: dict) -> Steps:
    answers = yield ask(
        user_name=form("What is your name?", ["name"], name=NAME), greeting=sampling("Generate a greeting"), client_roots=ROOTS,
    )
    roots = answers["client_roots"]["roots"]
    return text(f"{answers['greeting']['content']['text']}, {answers['user_name']['content']['name']}, of {len(roots)} roots")


def required_rounds(_: dict) -> Steps:
    first = (yield ask(step1=form("Step 1: What is your name?", ["name"], name=NAME)))["step1"]["content"]["name"]
    second = (yield ask(step2=form("Step 2: What colour?", ["colour"], colour={"type": "string"})))["step2"]["content"]
    return text(f"{first} likes {second['colour']}")


def required_capabilities(_: dict) -> Steps:
    yield ask(user_name=form("What is your name?", ["name"], name=NAME))
    return text("asked for what the client has")


def reconnection(_: dict) -> Steps:
    yield ("close",)
    return text("Reconnection test completed successfully")


def trigger_tool_change(_: dict) -> Steps:
    yield ("change", "tools")
    return text("Tool list changed")


def trigger_prompt_change(_: dict) -> Steps:
    yield ("change", "prompts")
    return text("Prompt list changed")


def touch_watched(_: dict) -> Steps:
    yield ("change", WATCHED)
    return text("The watched resource changed")


def header_echo(arguments: dict) -> Steps:
    return text(f"region {arguments.get('region')}, priority {arguments.get('priority')}, dry {arguments.get('dry')}")
    yield


def no_arguments() -> dict[str, Any]:
    return {"type": "object", "properties": {}}


# `$defs`, `$ref` and composition, as the dialect of 2020-12 has them; no server and no gateway may resolve or lose them.
SCHEMA_2020_12 = {
    "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
    "$defs": {"address": {"type": "object", "properties": {"street": {"type": "string"}}}},
    "properties": {"name": {"type": "string"}, "address": {"$ref": "#/$defs/address"}},
    "allOf": [{"anyOf": [{"required": ["name"]}, {"required": ["address"]}]}],
    "if": {"properties": {"name": {"const": "x"}}}, "then": {"required": ["address"]}, "else": {},
    "additionalProperties": False,
}
HEADERS = {"type": "object", "properties": {
    "region": {"type": "string", "x-mcp-header": "Region"}, "priority": {"type": "integer", "x-mcp-header": "Priority"},
    "dry": {"type": "boolean", "x-mcp-header": "Dry-Run"},
}}
INVALID_HEADER = {"type": "object", "properties": {"share": {"type": "number", "x-mcp-header": "Share"}}}
# Where a schema is that no one may fetch; the servers set it when they start.
ELSEWHERE: dict[str, Any] = {"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1/schema"}}}
TOOLS: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "test_simple_text": (simple_text, "Tests simple text content", no_arguments()),
    "test_image_content": (image_content, "Tests image content", no_arguments()),
    "test_audio_content": (audio_content, "Tests audio content", no_arguments()),
    "test_embedded_resource": (embedded_resource, "Tests an embedded resource", no_arguments()),
    "test_multiple_content_types": (multiple_content_types, "Tests several kinds of content", no_arguments()),
    "test_error_handling": (error_handling, "Tests an error of a tool", no_arguments()),
    "test_tool_with_progress": (tool_with_progress, "Tests progress", no_arguments()),
    "test_tool_with_logging": (tool_with_logging, "Tests log messages", no_arguments()),
    "test_logging_tool": (tool_with_logging, "Tests log messages that are asked for", no_arguments()),
    "test_sampling": (ask_model, "Tests sampling", {"type": "object", "properties": {"prompt": {"type": "string"}}}),
    "test_elicitation": (ask_user, "Tests elicitation", {"type": "object", "properties": {"message": {"type": "string"}}}),
    "test_elicitation_sep1034_defaults": (ask_defaults, "Tests defaults in a form", no_arguments()),
    "test_elicitation_sep1330_enums": (ask_enums, "Tests choices in a form", no_arguments()),
    "test_missing_capability": (ask_model, "Needs a client with sampling", no_arguments()),
    "test_input_required_result_elicitation": (required_elicitation, "Asks for a name", no_arguments()),
    "test_input_required_result_sampling": (required_sampling, "Asks the model", no_arguments()),
    "test_input_required_result_list_roots": (required_roots, "Asks for roots", no_arguments()),
    "test_input_required_result_request_state": (required_state, "Keeps a state", no_arguments()),
    "test_input_required_result_multiple_inputs": (required_multiple, "Asks three things at once", no_arguments()),
    "test_input_required_result_multi_round": (required_rounds, "Asks twice", no_arguments()),
    "test_input_required_result_tampered_state": (required_state, "Refuses a state that is not its own", no_arguments()),
    "test_input_required_result_capabilities": (required_capabilities, "Asks for what there is", no_arguments()),
    "test_reconnection": (reconnection, "Closes the stream in the middle of the call", no_arguments()),
    "test_trigger_tool_change": (trigger_tool_change, "Says that the tools have changed", no_arguments()),
    "test_trigger_prompt_change": (trigger_prompt_change, "Says that the prompts have changed", no_arguments()),
    "test_touch_watched": (touch_watched, "Says that the watched resource has changed", no_arguments()),
    "test_x_mcp_header": (header_echo, "Has arguments that are headers too", HEADERS),
    "test_invalid_x_mcp_header": (header_echo, "Has a number for a header, which is none", INVALID_HEADER),
    "test_schema_elsewhere": (simple_text, "Has a schema that lies elsewhere", ELSEWHERE),
    "json_schema_2020_12_tool": (simple_text, "Has a schema of its own kind", SCHEMA_2020_12),
}


def tools() -> list[dict[str, Any]]:
    return [{"name": name, "description": about, "inputSchema": schema} for name, (_, about, schema) in TOOLS.items()]


# Prompts

PROMPTS = [
    {"name": "test_simple_prompt", "description": "A prompt without arguments"},
    {"name": "test_prompt_with_arguments", "description": "A prompt with arguments", "arguments": [
        {"name": "arg1", "description": "First", "required": True}, {"name": "arg2", "description": "Second", "required": True},
    ]},
    {"name": "test_prompt_with_embedded_resource", "description": "A prompt with a resource", "arguments": [
        {"name": "resourceUri", "description": "The resource", "required": True},
    ]},
    {"name": "test_prompt_with_image", "description": "A prompt with an image"},
    {"name": "test_input_required_result_prompt", "description": "A prompt that asks first"},
]


def said(content: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": content}


def prompt(name: str, arguments: dict[str, str]) -> Steps:
    words = {"type": "text", "text": "This is a simple prompt for testing."}
    if name == "test_prompt_with_arguments":
        words = {"type": "text", "text": f"Prompt with arguments: arg1='{arguments['arg1']}', arg2='{arguments['arg2']}'"}
    messages = [said(words)]
    if name == "test_prompt_with_embedded_resource":
        resource = {"uri": arguments["resourceUri"], "mimeType": "text/plain", "text": "Embedded resource content for testing."}
        messages = [said({"type": "resource", "resource": resource}), said({"type": "text", "text": "Please process it."})]
    if name == "test_prompt_with_image":
        messages = [said({"type": "image", "data": PIXEL, "mimeType": "image/png"}), said({"type": "text", "text": "Look."})]
    if name == "test_input_required_result_prompt":
        answer = (yield ask(user_context=form("What is the context?", ["context"], context={"type": "string"})))["user_context"]
        messages = [said({"type": "text", "text": f"Context: {answer['content']['context']}"})]
    return {"messages": messages}


# Resources

RESOURCES = [
    {"uri": STATIC, "name": "Static Text Resource", "description": "Static text", "mimeType": "text/plain"},
    {"uri": BINARY, "name": "Static Binary Resource", "description": "An image", "mimeType": "image/png"},
    {"uri": WATCHED, "name": "Watched Resource", "description": "Changes", "mimeType": "text/plain"},
]
TEMPLATES = [{"uriTemplate": TEMPLATE, "name": "Dynamic Resource", "description": "By its id", "mimeType": "application/json"}]


def resource(uri: str) -> dict[str, Any] | None:
    """The contents of a resource; None where there is none."""
    if uri == STATIC:
        contents = {"uri": uri, "mimeType": "text/plain", "text": "This is the content of the static text resource."}
    elif uri == BINARY:
        contents = {"uri": uri, "mimeType": "image/png", "blob": PIXEL}
    elif uri == WATCHED:
        contents = {"uri": uri, "mimeType": "text/plain", "text": "Watched resource content"}
    elif uri.startswith("test://template/") and uri.endswith("/data"):
        number = uri.removeprefix("test://template/").removesuffix("/data")
        body = f'{{"id":"{number}","templateTest":true,"data":"Data for ID: {number}"}}'
        contents = {"uri": uri, "mimeType": "application/json", "text": body}
    else:
        return None
    return {"contents": [contents]}


def completion(word: str) -> dict[str, Any]:
    values = [each for each in ("paris", "park", "party", "test1") if each.startswith(word)]
    return {"completion": {"values": values, "total": len(values), "hasMore": False}}
