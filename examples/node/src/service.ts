// A backend on Node: pages behind a guard, and an act that is performed once.   node dist/service.js [PORT]

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { status } from "@grpc/grpc-js";
import { SealingEngine } from "./engine.js";
import { CallFailed, Denied, SealAuthz } from "./sealauthz.js";

const { SEALAUTHZ_ADDRESS = "", SEALAUTHZ_TOKEN = "", SEALAUTHZ_ENGINE_TOKEN = "" } = process.env;
const PROTOS = process.env.SEALAUTHZ_PROTOS ?? new URL("../../../protos", import.meta.url).pathname;
const LANGUAGE = "en";

const TIMEOUT_MS = 1_000 * Number(process.env.SEALAUTHZ_TIMEOUT_S ?? 2); // what a page may wait, all attempts included

const authz = new SealAuthz(SEALAUTHZ_ADDRESS, SEALAUTHZ_TOKEN, PROTOS, TIMEOUT_MS);
const engineAuthz = new SealAuthz(SEALAUTHZ_ADDRESS, SEALAUTHZ_ENGINE_TOKEN, PROTOS);
const engine = new SealingEngine(engineAuthz, process.env.SEALAUTHZ_ENGINE ?? "sealing-engine");

// What is not in here denies: a service must not act on an allow that owes what it does not know.
const OBLIGATIONS = { WATERMARK: () => {} }; // the page is printed with the person and the decision on it, below
const AFTER_USE = new Set(["NOTIFY_OWNER"]); // what this service does, where it is owed, once a seal was used

type Answer = { status: number; body: unknown; headers?: Record<string, string> };

// The person of the session. Here a gateway says it, which strips the header from what comes in.
const personOf = (request: IncomingMessage) => String(request.headers["x-person"] ?? "");

async function showContract(request: IncomingMessage, contract: string): Promise<Answer> {
  const person = personOf(request);
  const question = { subject: `Person:${person}`, action: "view", resource: `Contract:${contract}`, language: LANGUAGE };
  const allowed = await authz.check(question, OBLIGATIONS);
  const owesWatermark = allowed.obligations.some((owed) => owed.code === "WATERMARK");
  return { status: 200, body: { contract, watermark: owesWatermark ? `${person} ${allowed.decisionId}` : null } };
}

async function showLog(request: IncomingMessage, seal: string): Promise<Answer> {
  const question = { subject: `Person:${personOf(request)}`, action: "view_log", resource: `Seal:${seal}`, language: LANGUAGE };
  const allowed = await authz.check(question, OBLIGATIONS);
  return { status: 200, body: { seal, decision: allowed.decisionId } };
}

async function sealTask(request: IncomingMessage, task: string): Promise<Answer> {
  const key = request.headers["idempotency-key"];
  if (typeof key !== "string") return { status: 422, body: { error: "an Idempotency-Key is needed" } };
  const use = JSON.parse(await textOf(request)) as { seal: string; verification?: string };
  // The key of the browser is the id of the act: whatever breaks on the way, asking again tells what happened.
  const performed = await authz.perform({
    subject: `Person:${personOf(request)}`,
    action: "use",
    resource: `Seal:${use.seal}`,
    context: { task, ...(use.verification ? { verification: use.verification } : {}) },
    arguments: { audience: engine.name },
    requestId: `seal-${key}`,
    language: LANGUAGE,
  });
  if (!performed.operation) throw new Denied(performed.decision);
  // The act itself has met the others. If one is left that is not known here, the receipt is not handed on, and so
  // nothing is sealed.
  const unknown = performed.decision.obligations.find((owed) => !AFTER_USE.has(owed.code));
  if (unknown) throw new Denied(performed.decision, unknown.code);
  const sealed = await engine.seal(performed.operation.receipt);
  return { status: 200, body: { operation: performed.operation.id, replayed: performed.isReplay, sealed } };
}

// An act that the person must confirm: first 403 with what to sign, then again with the signed assertion.
async function freeze(request: IncomingMessage, seal: string): Promise<Answer> {
  const { "idempotency-key": key, assertion = "" } = request.headers;
  if (typeof key !== "string") return { status: 422, body: { error: "an Idempotency-Key is needed" } };
  const performed = await authz.perform({
    subject: `Person:${personOf(request)}`,
    action: "freeze",
    resource: `Seal:${seal}`,
    requestId: `freeze-${key}`,
    assertion: String(assertion),
    language: LANGUAGE,
  });
  if (!performed.operation) throw new Denied(performed.decision);
  return { status: 200, body: { operation: performed.operation.id, replayed: performed.isReplay } };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const part of request) {
    text += part;
    if (text.length > 10_000) throw new SyntaxError("too long");
  }
  return text;
}

const ROUTES: [string, RegExp, (request: IncomingMessage, id: string) => Promise<Answer>][] = [
  ["GET", /^\/contracts\/([^/]+)$/, showContract],
  ["GET", /^\/seals\/([^/]+)\/log$/, showLog],
  ["POST", /^\/seals\/([^/]+)\/freeze$/, freeze],
  ["POST", /^\/tasks\/([^/]+)\/seal$/, sealTask],
];

async function answer(request: IncomingMessage): Promise<Answer> {
  for (const [method, path, handler] of ROUTES) {
    const [, id] = path.exec(request.url ?? "") ?? [];
    if (request.method === method && id) return handler(request, decodeURIComponent(id));
  }
  return { status: 404, body: { error: "no such page" } };
}

/** What a failure looks like: a deny with what the person can do; what cannot be decided is never an allow. */
function failure(error: unknown): Answer {
  if (error instanceof Denied) {
    const { reasons, nextSteps, decision } = error;
    const body = {
      error: "denied",
      decision_id: decision.decisionId,
      reasons: reasons.map(({ code, text }) => ({ code, text })),
      next_steps: nextSteps,
    };
    return { status: reasons.some((reason) => reason.code === "NOT_FOUND") ? 404 : 403, body };
  }
  if (error instanceof CallFailed && error.reason === "ASSERTION_NEEDED") {
    // The person must confirm this very act: have it signed, and repeat it with the same id.
    return { status: 403, body: { error: "assertion_needed", digest: error.metadata.digest, request_id: error.requestId } };
  }
  if (error instanceof CallFailed && (error.code === status.ALREADY_EXISTS || error.code === status.FAILED_PRECONDITION)) {
    return { status: 409, body: { error: "conflict", reason: error.reason } };
  }
  if (error instanceof CallFailed && error.code !== status.INVALID_ARGUMENT) {
    const retryAfter = String(Math.max(Math.ceil(error.retryAfterMs / 1_000), 1));
    return { status: 503, body: { error: "undecided" }, headers: { "Retry-After": retryAfter } };
  }
  if (error instanceof CallFailed || error instanceof SyntaxError) return { status: 400, body: { error: "malformed" } };
  console.error(error);
  return { status: 500, body: { error: "internal" } };
}

const server = createServer((request: IncomingMessage, response: ServerResponse) => {
  answer(request)
    .catch(failure)
    .then(({ status, body, headers }) => {
      response.writeHead(status, { "Content-Type": "application/json", ...headers });
      response.end(JSON.stringify(body));
    });
});
server.listen(Number(process.argv[2] ?? 0), "127.0.0.1", () => {
  console.log(`listening on ${(server.address() as AddressInfo).port}`);
});
process.on("SIGTERM", () => {
  server.close();
  server.closeAllConnections();
  authz.close();
  engineAuthz.close();
});
