"""The scenario lists of the official suite (37 for servers at 2026-07-28, 30 at 2025-11-25), and those that it does not score."""

from collections.abc import Callable
from typing import Any

from . import raw, visits
from .visits import asked, kinds, names, prompt, says, taken

# What both lists have, by the same checks.
SHARED: dict[str, Callable[[Any], None]] = {
    "completion-complete": visits.completed,
    "tools-list": names("tools-list", "tools", "name", "test_simple_text", "test_sampling", "json_schema_2020_12_tool"),
    "tools-call-simple-text": says("simple-text", "This is a simple text response for testing."),
    "tools-call-image": kinds("image", "image"),
    "tools-call-audio": kinds("audio", "audio"),
    "tools-call-embedded-resource": kinds("embedded-resource", "resource"),
    "tools-call-mixed-content": kinds("mixed-content", "text", "image", "resource"),
    "tools-call-error": visits.error,
    "tools-call-with-progress": visits.progress,
    "server-sse-multiple-streams": visits.several,
    "resources-list": names("resources-list", "resources", "uri", visits.STATIC, visits.BINARY, visits.WATCHED),
    "resources-read-text": visits.text_resource,
    "resources-read-binary": visits.binary_resource,
    "resources-templates-read": visits.template,
    "prompts-list": names("prompts-list", "prompts", "name", "test_simple_prompt", "test_prompt_with_image"),
    "prompts-get-simple": prompt("get-simple", "This is a simple prompt for testing."),
    "prompts-get-with-args": prompt("get-with-args", "arg1='one', arg2='two'"),
    "prompts-get-embedded-resource": prompt("get-embedded-resource", "Embedded resource content for testing."),
    "prompts-get-with-image": prompt("get-with-image", "image/png"),
}
# Checks of the transcript, and checks that speak HTTP themselves.
MODERN: dict[str, Callable[[Any], None]] = {
    **SHARED,
    "sep-2164-resource-not-found": visits.not_found,
    "input-required-result-basic-elicitation": asked("ask-elicitation", "Hello, Ann!"),
    "input-required-result-basic-sampling": asked("ask-sampling", "Model says: Paris"),
    "input-required-result-basic-list-roots": asked("ask-roots", "file:///home/ann, file:///tmp"),
    "input-required-result-request-state": asked("ask-state", "state-ok"),
    "input-required-result-multiple-input-requests": asked("ask-several", "Paris, Ann, of 2 roots", 3),
    "input-required-result-multi-round": asked("ask-twice", "Ann likes blue", 2),
    "input-required-result-non-tool-request": prompt("ask-prompt", "Context: a test"),
}
MODERN_RAW: dict[str, Callable[[raw.Wire], None]] = {
    "server-stateless": raw.stateless,
    "dns-rebinding-protection": raw.rebinding,
    "caching": raw.caching,
    "input-required-result-missing-input-response": raw.missing_response,
    "input-required-result-result-type": raw.result_type,
    "input-required-result-unsupported-methods": raw.unsupported_methods,
    "input-required-result-tampered-state": raw.tampered_state,
    "input-required-result-capability-check": raw.capability_check,
    "input-required-result-ignore-extra-params": raw.extra_responses,
    "input-required-result-validate-input": raw.validate_input,
}
HANDSHAKE: dict[str, Callable[[Any], None]] = {
    **SHARED,
    "server-initialize": taken("server"),
    "logging-set-level": taken("level"),
    "ping": taken("ping"),
    "tools-call-with-logging": visits.logging,
    "tools-call-sampling": asked("sampling", "LLM response: Paris"),
    "tools-call-elicitation": asked("elicitation", "action=accept"),
    "elicitation-sep1034-defaults": visits.defaults,
    "elicitation-sep1330-enums": visits.enums,
    "resources-subscribe": visits.subscribed,
    "resources-unsubscribe": taken("unsubscribe"),
}
HANDSHAKE_RAW: dict[str, Callable[[raw.Wire], None]] = {"dns-rebinding-protection": raw.rebinding}
# Of these the suite says what happens, and gives no points.
UNSCORED = {
    "modern": {"json-schema-2020-12": visits.dialect, "subscriptions": taken("listen-tools", "listen-prompts", "listen-resource")},
    "handshake": {"json-schema-2020-12": visits.dialect, "list-changed": taken("changed-tools"),
                  "server-sse-polling": says("reconnect", "completed successfully")},
}
UNSCORED_RAW = {
    "modern": {"http-header-validation": raw.headers, "http-custom-header-server-validation": raw.custom_headers},
    "handshake": {"server-session-lifecycle": raw.session_lifecycle},
}
