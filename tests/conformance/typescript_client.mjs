// The TypeScript SDK's client: what it is to ask comes as JSON on stdin, what it got goes as JSON to stdout.

import { createRequire } from "node:module";
import { text } from "node:stream/consumers";

const { modules, url, headers, stdio, requests } = JSON.parse(await text(process.stdin));
const require = createRequire(`${modules}/`);
const { Client } = require("@modelcontextprotocol/sdk/client/index.js");
const { StdioClientTransport } = require("@modelcontextprotocol/sdk/client/stdio.js");
const { StreamableHTTPClientTransport } = require("@modelcontextprotocol/sdk/client/streamableHttp.js");

const ASK = {
  "tools/list": (client) => client.listTools(),
  "tools/call": (client, params) => client.callTool(params),
  "resources/read": (client, params) => client.readResource(params),
  "prompts/get": (client, params) => client.getPrompt(params),
};

const client = new Client({ name: "naftiko-tests", version: "1" });
await client.connect(
  stdio
    ? new StdioClientTransport(stdio)
    : new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }),
);
const answers = [];
for (const [method, params] of requests) {
  answers.push(await ASK[method](client, params));
}
await client.close();
process.stdout.write(JSON.stringify(answers));
