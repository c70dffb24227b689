#!/usr/bin/env python3
"""A client of the Model Context Protocol: it lists tools, rolls, reads a sheet, and narrates as game master.

    mcp_client.py http URL            such as http://127.0.0.1:8001/mcp
    mcp_client.py stdio PROGRAM ...   such as dicetower mcp
"""

import asyncio
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import ResourceUpdatedNotification

told = []


async def hear(message):
    if isinstance(message, ResourceUpdatedNotification):
        told.append(str(message.params.uri))


async def use(read, write):
    async with ClientSession(read, write, message_handler=hear) as session:
        await session.initialize()
        tools = {tool.name: tool for tool in (await session.list_tools()).tools}
        assert tools["get_character"].annotations.read_only_hint
        assert tools["delete_character"].annotations.destructive_hint
        print(len(tools), "tools")

        progress = []

        async def on_progress(done, total, message):
            progress.append(message)

        arguments = {"pool": 6, "target_number": 4}
        roll = await session.call_tool("roll_dice", arguments, progress_callback=on_progress)
        assert not roll.is_error and len(roll.structured_content["rolls"]) == 6
        assert progress, "no progress was told"
        refused = await session.call_tool("roll_dice", {"pool": 0, "target_number": 4})
        assert refused.is_error and "pool" in refused.content[0].text
        # The client checks each answer against the tool's own schema.
        for name in ("list_characters", "get_character", "get_skills", "get_gear", "list_rolls", "get_house_rules"):
            needs = tools[name].input_schema.get("required", [])
            answer = await session.call_tool(name, {"character_name": "Platinum"} if needs else {})
            assert not answer.is_error, answer

        await session.call_tool("create_session", {"session_id": "evening"})
        await session.subscribe_resource("dicetower://sessions/evening")
        over = await session.call_tool("take_over", {"session_id": "evening", "on": True})
        assert not over.is_error, over
        said = await session.call_tool("say", {"session_id": "evening", "message": "Rain on chrome. What do you do?"})
        assert not said.is_error, said
        read_back = await session.read_resource("dicetower://sessions/evening")
        assert "Rain on chrome" in read_back.contents[0].text
        for _ in range(100):
            if told:
                break
            await asyncio.sleep(0.1)
        assert told, "nobody told that the session has changed"
        await session.call_tool("take_over", {"session_id": "evening", "on": False})

        sheet = await session.read_resource("dicetower://characters/Platinum")
        assert "Platinum" in sheet.contents[0].text
        prompts = [prompt.name for prompt in (await session.list_prompts()).prompts]
        prompt = await session.get_prompt("run_table", {"session_id": "evening"})
        assert "evening" in prompt.messages[0].content.text
        print("prompts:", ", ".join(prompts))


async def main():
    if sys.argv[1] == "http":
        async with streamable_http_client(sys.argv[2]) as (read, write):
            await use(read, write)
    else:
        async with stdio_client(StdioServerParameters(command=sys.argv[2], args=sys.argv[3:])) as (read, write):
            await use(read, write)


asyncio.run(main())
