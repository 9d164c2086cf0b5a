"""What openai-agents shows its model. See visiting.py."""

import contextlib
import json

import visiting
from agents import Agent, Model, ModelResponse, RunConfig, Runner, Usage
from agents.mcp import MCPServerStreamableHttp
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText


class Scripted(Model):
    """A model that makes one call, keeps what it is shown, and is content."""

    def __init__(self, name: str, arguments: dict) -> None:
        self.call = ResponseFunctionToolCall(
            type="function_call", call_id="call-1", name=name, arguments=json.dumps(arguments)
        )
        self.shown = ""

    async def get_response(self, system_instructions, input, *args, **kwargs) -> ModelResponse:
        outputs = [each for each in input if isinstance(each, dict) and each.get("type") == "function_call_output"]
        if not outputs:
            return ModelResponse(output=[self.call], usage=Usage(), response_id=None)
        shown = outputs[0]["output"]
        self.shown = shown if isinstance(shown, str) else "".join(each.get("text", "") for each in shown)
        text = ResponseOutputText(type="output_text", text="done", annotations=[])
        message = ResponseOutputMessage(
            id="message-1", type="message", role="assistant", status="completed", content=[text]
        )
        return ModelResponse(output=[message], usage=Usage(), response_id=None)

    def stream_response(self, *args, **kwargs):
        raise NotImplementedError


@contextlib.asynccontextmanager
async def connect(url: str, headers: dict[str, str]):
    # Its own limit is 5 s. The list is kept, so that a call can be of a tool that has been taken away since.
    async with MCPServerStreamableHttp(
        {"url": url, "headers": headers}, cache_tools_list=True, client_session_timeout_seconds=30
    ) as server:

        async def call(name: str, arguments: dict) -> str:
            model = Scripted(name, arguments)
            agent = Agent(name="it", model=model, mcp_servers=[server])
            await Runner.run(agent, "go", run_config=RunConfig(tracing_disabled=True))
            return model.shown

        yield [tool.name for tool in await server.list_tools()], call


visiting.main(connect)
