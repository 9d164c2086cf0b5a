"""Judges every message on a tapped wire by the official models of its revision (mcp-types)."""

from collections.abc import Iterable
from typing import Any

from mcp_types import methods
from pydantic import ValidationError

from .tap import Exchange

MODERN = "2026-07-28"
VERSION = "io.modelcontextprotocol/protocolVersion"


def judge(exchanges: Iterable[Exchange]) -> list[str]:
    """What is wrong with the messages of both directions; a message of no known method is judged by its frame alone."""
    problems: list[str] = []
    asked: dict[Any, tuple[str, str]] = {}
    # By session and id: a stream that is taken up again brings answers to what was asked on another.
    open_requests: dict[tuple[str | None, Any], dict[str, Any]] = {}
    revision = "2025-11-25"
    for exchange in exchanges:
        message = exchange.request
        if isinstance(message, dict):
            revision = _revision(exchange, message) or revision
            problems += _client(message, revision, asked)
            # A later revision may be agreed on in the answer, and is named in the header of what follows.
            if message.get("method"):
                open_requests[_session(exchange), message.get("id")] = message
                problems += _server(exchange, message, revision, asked)
        elif exchange.method == "GET":
            answered = {each.get("id") for each in exchange.messages if "result" in each}
            requests = [open_requests.get((_session(exchange), each), {}) for each in answered]
            problems += _server(exchange, requests[0] if requests else {}, revision, asked)
    return problems


def _session(exchange: Exchange) -> str | None:
    return exchange.headers.get("mcp-session-id")


def _revision(exchange: Exchange, message: dict[str, Any]) -> str | None:
    meta = (message.get("params") or {}).get("_meta") or {}
    if message.get("method") == "initialize":
        results = [each["result"] for each in exchange.messages if "result" in each]
        return results[0]["protocolVersion"] if results else message["params"]["protocolVersion"]
    return meta.get(VERSION) or exchange.headers.get("mcp-protocol-version")


def _try(what: str, check: Any, *arguments: Any) -> list[str]:
    try:
        check(*arguments)
    except KeyError:
        return [f"{what}: not of revision {arguments[1]}"]
    except (ValidationError, ValueError) as error:
        return [f"{what}: {' '.join(str(error).split())[:300]}"]
    return []


def _client(message: dict[str, Any], revision: str, asked: dict[Any, tuple[str, str]]) -> list[str]:
    if message.get("jsonrpc") != "2.0":
        return [f"no JSON-RPC: {message}"]
    method, params = message.get("method"), message.get("params")
    if method and "id" in message:
        return _try(f"client's {method}", methods.validate_client_request, method, revision, params) if _is_known(method) else []
    if method:
        return _try(f"client's {method}", methods.validate_client_notification, method, revision, params)
    if "result" in message and message["id"] in asked:
        method, version = asked.pop(message["id"])
        return _try(f"client's result of {method}", methods.validate_client_result, method, version, message["result"])
    return [] if _is_error(message) else [f"client answers what nobody asked: {message}"]


def _is_known(method: str) -> bool:
    return method in methods.SPEC_CLIENT_METHODS


def _server(
    exchange: Exchange, request: dict[str, Any], revision: str, asked: dict[Any, tuple[str, str]]
) -> list[str]:
    problems, name = [], request.get("method", "GET")
    for message in exchange.messages:
        method, params = message.get("method"), message.get("params")
        if message.get("jsonrpc") != "2.0":
            problems.append(f"no JSON-RPC in the answer to {name}: {message}")
        elif method and "id" in message:
            asked[message["id"]] = (method, revision)
            problems += _try(f"server's {method}", methods.parse_server_request, method, revision, params)
        elif method:
            problems += _try(f"server's {method}", methods.parse_server_notification, method, revision, params)
        elif "result" in message:
            if message["id"] != request.get("id"):
                problems.append(f"the answer to {name} has another id: {message['id']!r}")
            problems += _try(f"result of {name}", methods.validate_server_result, name, revision, message["result"])
        elif not _is_error(message):
            problems.append(f"neither result nor error of {name}: {message}")
    return problems


def _is_error(message: dict[str, Any]) -> bool:
    error = message.get("error")
    return isinstance(error, dict) and isinstance(error.get("code"), int) and isinstance(error.get("message"), str)
