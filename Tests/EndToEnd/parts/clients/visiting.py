"""What all programs here have in common that show what a client's user is shown.

A program tells how its client connects; here it is told where, and each thing that is shown becomes a line of JSON.

On standard input comes a plan, in one line:

    [ {"name": "words", "url": URL, "authorization": VALUE, "calls": [ {"tool": NAME, "arguments": {}, "at_once": 1} ]} ]

When each server of it has been connected to and its tools are listed, or has failed to be, the line `{"step": "listed"}`
is said; the calls are made when another line has come in. A server without an authorization is asked without one.
"""

import asyncio
import contextlib
import json
import logging
import os
import sys
import time
import traceback
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

# The names of the tools that the client shows, and a call of one, as its user's program or model makes it.
Connected = tuple[list[str], Callable[[str, dict[str, Any]], Awaitable[str]]]
Connect = Callable[[str, dict[str, str]], contextlib.AbstractAsyncContextManager[Connected]]
DEADLINE = 40
LONGEST = 3000
# What a library prints by itself goes where errors go.
OUT = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)


def say(**facts: Any) -> None:
    print(json.dumps(facts), file=OUT)


def failed(error: BaseException, **facts: Any) -> None:
    """Tells of an error: its text, and what a terminal or a log shows of it when the program does not catch it."""
    code = getattr(getattr(error, "error", error), "code", None)
    say(
        **facts, kind=type(error).__name__, code=code if isinstance(code, int) else None, text=str(error)[:LONGEST],
        traceback="".join(traceback.format_exception(error)),
    )


def result(answer: Any) -> str:
    """The text of a tool's result, in whichever of its forms a client hands it out."""
    content = answer.get("content", answer) if isinstance(answer, dict) else getattr(answer, "content", answer)
    if not isinstance(content, list):
        return content if isinstance(content, str) else json.dumps(content)
    return "".join(each.get("text", "") if isinstance(each, dict) else getattr(each, "text", "") for each in content)


async def visit(connect: Connect, case: dict[str, Any], listed: asyncio.Event, go: asyncio.Event) -> None:
    name, headers = case["name"], {"Authorization": case["authorization"]} if "authorization" in case else {}
    try:
        async with connect(case["url"], headers) as (tools, call):
            say(case=name, step="tools", tools=tools)
            listed.set()
            await go.wait()
            for each in case.get("calls", []):
                await made(name, each, call)
    except BaseException as error:
        failed(error, case=name, step="end" if listed.is_set() else "connect")
    finally:
        listed.set()


async def made(case: str, each: dict[str, Any], call: Callable[[str, dict[str, Any]], Awaitable[str]]) -> None:
    async def once() -> None:
        start = time.monotonic()
        try:
            text = await asyncio.wait_for(call(each["tool"], each.get("arguments", {})), DEADLINE)
            facts = {"kind": "result", "text": text[:LONGEST], "length": len(text)}
            say(case=case, step=each["tool"], **facts, start=start, end=time.monotonic())
        except BaseException as error:
            failed(error, case=case, step=each["tool"])

    await asyncio.gather(*(once() for _ in range(each.get("at_once", 1))))


async def _main(connect: Connect) -> None:
    plan = json.loads(sys.stdin.readline())
    go = asyncio.Event()
    listed = [asyncio.Event() for _ in plan]
    # Each in a task of its own: a transport that dies cancels the task that has opened it.
    visits = [asyncio.create_task(visit(connect, *each, go)) for each in zip(plan, listed)]
    await asyncio.wait([asyncio.create_task(each.wait()) for each in listed], timeout=DEADLINE)
    say(step="listed")
    await asyncio.to_thread(sys.stdin.readline)
    go.set()
    await asyncio.wait(visits, timeout=2 * DEADLINE)


def main(connect: Connect) -> None:
    warnings.simplefilter("ignore")
    logging.disable()
    asyncio.run(_main(connect))
