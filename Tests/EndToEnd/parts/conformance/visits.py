"""The scenarios that an official client takes: the steps that it is told, and what each has to come to."""

from collections.abc import Callable
from typing import Any

STATIC, BINARY, WATCHED = "test://static-text", "test://static-binary", "test://watched-resource"
ENUMS = ("untitledSingle", "titledSingle", "legacyEnum", "untitledMulti", "titledMulti")

# Both clients take these.
STEPS: list[list[Any]] = [
    ["server", "server"],
    ["tools-list", "tools"], ["resources-list", "resources"], ["resources-templates", "templates"], ["prompts-list", "prompts"],
    ["simple-text", "call", "test_simple_text", {}], ["image", "call", "test_image_content", {}],
    ["audio", "call", "test_audio_content", {}], ["embedded-resource", "call", "test_embedded_resource", {}],
    ["mixed-content", "call", "test_multiple_content_types", {}], ["error", "call", "test_error_handling", {}],
    ["with-progress", "call", "test_tool_with_progress", {}], ["with-logging", "call", "test_tool_with_logging", {}],
    ["several", "several", "test_tool_with_progress", "test_simple_text", "test_tool_with_logging"],
    ["read-text", "read", STATIC], ["read-binary", "read", BINARY], ["read-template", "read", "test://template/123/data"],
    ["read-nothing", "read", "test://nonexistent-resource-for-conformance-testing"],
    ["get-simple", "prompt", "test_simple_prompt", {}],
    ["get-with-args", "prompt", "test_prompt_with_arguments", {"arg1": "one", "arg2": "two"}],
    ["get-embedded-resource", "prompt", "test_prompt_with_embedded_resource", {"resourceUri": STATIC}],
    ["get-with-image", "prompt", "test_prompt_with_image", {}],
    ["complete", "complete", {"type": "ref/prompt", "name": "test_prompt_with_arguments"}, {"name": "arg1", "value": "par"}],
    ["custom-headers", "call", "test_x_mcp_header", {"region": "Köln", "priority": 3, "dry": True}],
    ["reconnect", "call", "test_reconnection", {}],
    ["sampling", "call", "test_sampling", {"prompt": "What is the capital?"}],
    ["elicitation", "call", "test_elicitation", {"message": "Who are you?"}],
    ["defaults", "call", "test_elicitation_sep1034_defaults", {}], ["enums", "call", "test_elicitation_sep1330_enums", {}],
]
MODERN_STEPS: list[list[Any]] = [
    *STEPS,
    ["ask-elicitation", "call", "test_input_required_result_elicitation", {}],
    ["ask-sampling", "call", "test_input_required_result_sampling", {}],
    ["ask-roots", "call", "test_input_required_result_list_roots", {}],
    ["ask-state", "call", "test_input_required_result_request_state", {}],
    ["ask-several", "call", "test_input_required_result_multiple_inputs", {}],
    ["ask-twice", "call", "test_input_required_result_multi_round", {}],
    ["ask-prompt", "prompt", "test_input_required_result_prompt", {}],
    ["listen-tools", "listen", {"tools_list_changed": True}, "test_trigger_tool_change"],
    ["listen-prompts", "listen", {"prompts_list_changed": True}, "test_trigger_prompt_change"],
    ["listen-resource", "listen", {"resource_subscriptions": [WATCHED]}, "test_touch_watched"],
]
HANDSHAKE_STEPS: list[list[Any]] = [
    *STEPS, ["ping", "ping"], ["level", "level", "debug"], ["with-logging", "call", "test_tool_with_logging", {}],
    ["subscribe", "subscribe", WATCHED], ["touched", "changed", "test_touch_watched"], ["unsubscribe", "unsubscribe", WATCHED],
    ["changed-tools", "changed", "test_trigger_tool_change"],
]

Transcript = dict[str, Any]


def outcome(seen: Transcript, name: str) -> Any:
    step = seen.get(name)
    assert step, f"not taken: {seen.get('end', 'no reason is known')}"
    result = step["outcome"]
    assert not (isinstance(result, dict) and ("failed" in result or "error" in result)), result
    return result


def words(seen: Transcript, name: str) -> str:
    return outcome(seen, name)["content"][0]["text"]


def says(name: str, text: str) -> Callable[[Transcript], None]:
    def check(seen: Transcript) -> None:
        assert text in words(seen, name), words(seen, name)

    return check


def kinds(name: str, *expected: str) -> Callable[[Transcript], None]:
    def check(seen: Transcript) -> None:
        content = outcome(seen, name)["content"]
        assert [each["type"] for each in content] == list(expected), content
        for each in content:
            assert each["type"] not in ("image", "audio") or (each["data"] and each["mimeType"])
            assert each["type"] != "resource" or each["resource"]["uri"].startswith("test://")

    return check


def names(step: str, member: str, key: str, *expected: str) -> Callable[[Transcript], None]:
    def check(seen: Transcript) -> None:
        listed = [each[key] for each in outcome(seen, step)[member]]
        assert set(expected) <= set(listed), listed

    return check


def error(seen: Transcript) -> None:
    assert outcome(seen, "error")["isError"] is True
    assert "intentionally" in words(seen, "error")


def progress(seen: Transcript) -> None:
    outcome(seen, "with-progress")
    assert [each[:2] for each in seen["with-progress"]["told"] if isinstance(each, list)] == [[0, 100], [50, 100], [100, 100]]


def logging(seen: Transcript) -> None:
    outcome(seen, "with-logging")
    told = [each["data"] for each in seen["with-logging"]["told"] if isinstance(each, dict)]
    assert told == ["Tool execution started", "Tool processing data", "Tool execution completed"], told


def several(seen: Transcript) -> None:
    texts = [each["content"][0]["text"] for each in outcome(seen, "several")]
    assert texts[1].startswith("This is a simple text") and texts[0] == "progress complete" and "logging" in texts[2], texts


def text_resource(seen: Transcript) -> None:
    assert outcome(seen, "read-text")["contents"][0]["text"] == "This is the content of the static text resource."


def binary_resource(seen: Transcript) -> None:
    contents = outcome(seen, "read-binary")["contents"][0]
    assert contents["mimeType"] == "image/png" and contents["blob"].startswith("iVBOR")


def template(seen: Transcript) -> None:
    listed = [each["uriTemplate"] for each in outcome(seen, "resources-templates")["resourceTemplates"]]
    assert "test://template/{id}/data" in listed
    assert '"id":"123"' in outcome(seen, "read-template")["contents"][0]["text"]


def not_found(seen: Transcript) -> None:
    assert seen["read-nothing"]["outcome"].get("error", {}).get("code") == -32602, seen["read-nothing"]["outcome"]


def completed(seen: Transcript) -> None:
    assert outcome(seen, "complete")["completion"]["values"] == ["paris", "park", "party"]


def prompt(step: str, text: str) -> Callable[[Transcript], None]:
    def check(seen: Transcript) -> None:
        assert text in str(outcome(seen, step)["messages"]), outcome(seen, step)["messages"]

    return check


def asked(step: str, text: str, count: int = 1) -> Callable[[Transcript], None]:
    def check(seen: Transcript) -> None:
        says(step, text)(seen)
        assert len(seen[step]["asked"]) == count, seen[step]["asked"]

    return check


def defaults(seen: Transcript) -> None:
    asked("defaults", "action=accept")(seen)
    properties = seen["defaults"]["asked"][0]["requestedSchema"]["properties"]
    found = {name: each.get("default") for name, each in properties.items()}
    assert found == {"name": "John Doe", "age": 30, "score": 95.5, "verified": True, "status": "active"}, found


def enums(seen: Transcript) -> None:
    asked("enums", "action=accept")(seen)
    properties = seen["enums"]["asked"][0]["requestedSchema"]["properties"]
    assert set(properties) == set(ENUMS)
    assert properties["titledSingle"]["oneOf"][0] == {"const": "value1", "title": "Option 1"}
    assert properties["legacyEnum"]["enumNames"] == ["Option One", "Option Two"]
    assert properties["titledMulti"]["items"]["anyOf"] and properties["untitledMulti"]["items"]["enum"]


def taken(*steps: str) -> Callable[[Transcript], None]:
    def check(seen: Transcript) -> None:
        for step in steps:
            outcome(seen, step)

    return check


def subscribed(seen: Transcript) -> None:
    outcome(seen, "subscribe")
    assert "notifications/resources/updated" in outcome(seen, "touched")


def dialect(seen: Transcript) -> None:
    tool = next(each for each in outcome(seen, "tools-list")["tools"] if each["name"] == "json_schema_2020_12_tool")
    schema = tool["inputSchema"]
    assert schema["$schema"].endswith("2020-12/schema") and schema["properties"]["address"] == {"$ref": "#/$defs/address"}
    assert schema["$defs"] and schema["allOf"] and "then" in schema and schema["additionalProperties"] is False
