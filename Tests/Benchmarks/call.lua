-- One tool call of the modern revision, over and over. usage: wrk -s call.lua URL -- SIZE [AUTHORIZATION]
-- Prints one JSON line at the end; latencies in microseconds.

function init(arguments)
    local size = tonumber(arguments[1])
    local meta = '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",'
        .. '"io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"},'
        .. '"io.modelcontextprotocol/clientCapabilities":{}}'
    local body = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo",' .. meta
        .. ',"arguments":{"text":"%s"}}}'
    wrk.method = "POST"
    wrk.body = string.format(body, string.rep("x", math.max(1, size - #body + 2)))
    wrk.headers["Content-Type"] = "application/json"
    wrk.headers["Accept"] = "application/json, text/event-stream"
    wrk.headers["MCP-Protocol-Version"] = "2026-07-28"
    wrk.headers["Mcp-Method"] = "tools/call"
    wrk.headers["Mcp-Name"] = "echo"
    -- From a file, since arguments can be seen.
    if arguments[2] then
        wrk.headers["Authorization"] = io.open(arguments[2]):read("l")
    end
end


function done(summary, latency)
    local errors = summary.errors
    print(string.format(
        'RESULT {"calls": %d, "seconds": %.6f, "p50": %.1f, "p99": %.1f, "errors": %d}',
        summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99),
        errors.connect + errors.read + errors.write + errors.status + errors.timeout
    ))
end
