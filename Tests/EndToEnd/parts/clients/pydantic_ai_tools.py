"""What pydantic-ai shows its model. See visiting.py."""

import contextlib

import visiting
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.messages import ModelResponse, RetryPromptPart, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import FunctionModel


@contextlib.asynccontextmanager
async def connect(url: str, headers: dict[str, str]):
    async with MCPToolset(url, headers=headers) as tools:

        async def call(name: str, arguments: dict) -> str:
            shown: list[str] = []

            def model(messages, info) -> ModelResponse:
                for part in messages[-1].parts:
                    if isinstance(part, ToolReturnPart):
                        shown.append(part.model_response_str())
                    elif isinstance(part, RetryPromptPart):
                        shown.append(part.model_response())
                if shown:
                    return ModelResponse(parts=[TextPart("done")])
                return ModelResponse(parts=[ToolCallPart(name, arguments)])

            await Agent(FunctionModel(model), toolsets=[tools]).run("go")
            return "\n".join(shown)

        yield [tool.name for tool in await tools.list_tools()], call


visiting.main(connect)
