// What a backend needs of SealAuthz: questions, acts and keys, with retries. Everything that is not clearly an allow is none.

import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";
import protobuf from "protobufjs";
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";

export type Parameters = Record<string, string | number>;
export type Step = { code: string; text: string; parameters: Parameters };
export type Obligation = { code: string; text: string; parameters: Parameters };
export type Reason = { code: string; text: string; isForOperators: boolean; steps: Step[] };
export type Decision = {
  isAllowed: boolean;
  reasons: Reason[];
  obligations: Obligation[];
  decisionId: string;
  lastsMs: number; // from when it was evaluated to when it must not be used any more
};
export type Operation = { id: string; receipt: string; values: Record<string, unknown> };
export type Performed = { decision: Decision; operation?: Operation; isReplay: boolean; requestId: string };
export type Question = { subject: string; action: string; resource: string; context?: Record<string, string>; language?: string };
export type Act = Question & { arguments?: Record<string, string>; requestId: string; assertion?: string };

/** A call without an answer. It is no allow. `requestId` is that of an act that may have been performed nevertheless. */
export class CallFailed extends Error {
  constructor(
    readonly code: grpc.status,
    readonly reason: string,
    message: string,
    readonly retryAfterMs = 0,
    readonly requestId = "",
    readonly metadata: Record<string, string> = {}, // what varies: `digest`, `invariant` …
  ) {
    super(`${grpc.status[code]}: ${message}`);
  }
}

/** The act must not be done. `unmet` is an obligation that this service does not know. */
export class Denied extends Error {
  constructor(readonly decision: Decision, readonly unmet = "") {
    super(unmet ? `the obligation ${unmet} is not known here` : "denied");
  }

  /** Why, for the person: what is for operators is never shown. */
  get reasons(): Reason[] {
    return this.decision.reasons.filter((reason) => !reason.isForOperators);
  }

  /** What the person can do, in the order of the reasons, each once. */
  get nextSteps(): Step[] {
    const found = new Map<string, Step>();
    for (const step of this.reasons.flatMap((reason) => reason.steps)) {
      const key = JSON.stringify([step.code, step.parameters]);
      if (!found.has(key)) found.set(key, step);
    }
    return [...found.values()];
  }
}

const MAX_ATTEMPTS = 6;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;

// A draining server may cancel a few calls. A busy one refuses what it did not begin.
const isRepeated = (failed: CallFailed) =>
  failed.code === grpc.status.UNAVAILABLE || failed.code === grpc.status.CANCELLED || failed.reason === "SERVICE_BUSY";

/** What all calls together may repeat: a service that is gone must not get six times the load. */
class Budget {
  private left = 1_000;
  answered() { this.left = Math.min(this.left + 0.2, 1_000); }
  take(): boolean {
    if (this.left < 1) return false;
    this.left -= 1;
    return true;
  }
}

type Wire = Record<string, any>; // what proto-loader makes of a message
type Method = (request: Wire, metadata: grpc.Metadata, options: grpc.CallOptions, done: grpc.requestCallback<Wire>) => void;

export class SealAuthz {
  private readonly clients: Record<string, grpc.Client> = {};
  private readonly metadata = new grpc.Metadata();
  private readonly budget = new Budget();

  constructor(address: string, token: string, protos: string, private readonly timeoutMs = 2_000, tlsRoots?: Buffer) {
    const isLoopback = /^(localhost|127\.[\d.]+|\[::1\]):\d+$/.test(address);
    if (!tlsRoots && !isLoopback) throw new Error("plain text goes to loopback only");
    const credentials = tlsRoots ? grpc.credentials.createSsl(tlsRoots) : grpc.credentials.createInsecure();
    const files = ["authorization", "operations"].map((name) => `sealauthz/v1/${name}.proto`);
    const options = { includeDirs: [protos], keepCase: true, longs: Number, enums: String, defaults: true, oneofs: true };
    const loaded: Wire = grpc.loadPackageDefinition(loader.loadSync(files, options));
    for (const name of ["AuthorizationService", "OperationsService"]) {
      this.clients[name] = new loaded.sealauthz.v1[name](address, credentials, {
        "grpc.initial_reconnect_backoff_ms": 50,
        "grpc.max_reconnect_backoff_ms": 1_000,
      });
    }
    this.metadata.set("authorization", `Bearer ${token}`);
  }

  /** Decide one question. Throws CallFailed without an answer. */
  async authorize(question: Question): Promise<Decision> {
    const reply = await this.call("AuthorizationService", "Authorize", asked(question));
    return decisionOf(reply.decision);
  }

  /** Return once all is met that the allow owes. Throws Denied, and CallFailed without an answer. */
  async check(question: Question, obligations: Record<string, (owed: Obligation) => void | Promise<void>> = {}): Promise<Decision> {
    const askedAt = performance.now(); // a clock that nobody sets
    const decision = await this.authorize(question);
    if (!decision.isAllowed) throw new Denied(decision);
    for (const owed of decision.obligations) if (!Object.hasOwn(obligations, owed.code)) throw new Denied(decision, owed.code);
    for (const owed of decision.obligations) await obligations[owed.code]!(owed);
    if (performance.now() - askedAt >= decision.lastsMs) throw new Denied(decision);
    return decision;
  }

  /** Have an act performed, once for its `requestId`, if it is allowed. */
  async perform(act: Act): Promise<Performed> {
    const values = Object.entries(act.arguments ?? {}).map(([name, value]) => [name, { string_value: value }]);
    const request = { ...asked(act), arguments: Object.fromEntries(values), request_id: act.requestId, assertion: act.assertion ?? "" };
    const reply = await this.call("OperationsService", "Perform", request, act.requestId);
    const made = reply.operation as Wire | null;
    return {
      decision: decisionOf(reply.decision),
      operation: made ? { id: made.operation_id, receipt: made.receipt, values: made.values } : undefined,
      isReplay: reply.replayed,
      requestId: act.requestId,
    };
  }

  /** The public keys that verify receipts: the text of a JSON Web Key Set. */
  async keys(): Promise<string> {
    return (await this.call("OperationsService", "GetKeys", {})).jwks;
  }

  close() {
    for (const client of Object.values(this.clients)) client.close();
  }

  /** Call, and call again where that may be, until the deadline. Every call here reads, or takes effect once by its id. */
  private async call(service: string, rpc: string, request: Wire, requestId = ""): Promise<Wire> {
    const deadline = Date.now() + this.timeoutMs;
    for (let attempt = 1, pauseMs = FIRST_PAUSE_MS; ; attempt += 1, pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        const reply = await this.send(service, rpc, request, deadline, requestId);
        this.budget.answered();
        return reply;
      } catch (error) {
        if (!(error instanceof CallFailed)) throw error;
        // Spread over the clients, and never sooner than the server wants.
        const waitMs = Math.max(pauseMs * (0.5 + Math.random() / 2), error.retryAfterMs && error.retryAfterMs + 25);
        const isLast = attempt >= MAX_ATTEMPTS || Date.now() + waitMs >= deadline;
        if (!isRepeated(error) || isLast || !this.budget.take()) throw error;
        await pause(waitMs);
      }
    }
  }

  private send(service: string, rpc: string, request: Wire, deadline: number, requestId: string): Promise<Wire> {
    const client = this.clients[service] as unknown as Record<string, Method>;
    return new Promise((resolve, reject) => {
      client[rpc]!.call(client, request, this.metadata, { deadline }, (error, reply) => {
        if (error) reject(failureOf(error, requestId));
        else resolve(reply!);
      });
    });
  }
}

function asked(question: Question): Wire {
  const context = Object.entries(question.context ?? {}).map(([name, value]) => [name, { string_value: value }]);
  return {
    subject: entity(question.subject),
    action: question.action,
    resource: entity(question.resource),
    context: Object.fromEntries(context),
    language: question.language ?? "",
  };
}

function entity(text: string): Wire {
  const at = text.indexOf(":"); // an id may hold colons
  return { type: text.slice(0, at), id: text.slice(at + 1) };
}

function decisionOf(message: Wire): Decision {
  const steps = (of: Wire[]): Step[] => of.map((step) => ({ code: step.code, text: step.text, parameters: plain(step.parameters) }));
  return {
    isAllowed: message.effect === "EFFECT_ALLOW", // an effect that is not known is no allow
    reasons: message.reasons.map((reason: Wire) => ({
      code: reason.code,
      text: reason.text,
      isForOperators: reason.audience !== "AUDIENCE_USER",
      steps: steps(reason.next_steps),
    })),
    obligations: steps(message.obligations),
    decisionId: message.decision_id,
    lastsMs: millis(message.valid_until) - millis(message.evaluated_at),
  };
}

function millis(time: Wire | null): number {
  return time ? time.seconds * 1_000 + time.nanos / 1e6 : 0;
}

function plain(parameters: Record<string, Wire>): Parameters {
  const entries = Object.entries(parameters).map(([name, value]) => {
    if (value.value === "time_value") return [name, new Date(millis(value.time_value)).toISOString()];
    return [name, value.value === "int_value" ? value.int_value : value.string_value];
  });
  return Object.fromEntries(entries);
}

// The details of an error: google.rpc.Status with its ErrorInfo and RetryInfo, as far as they are needed here.
const DETAILS = protobuf.parse(`syntax = "proto3";
  message Status { repeated Detail details = 3; }
  message Detail { string type_url = 1; bytes value = 2; }
  message ErrorInfo { string reason = 1; map<string, string> metadata = 3; }
  message RetryInfo { Delay retry_delay = 1; }
  message Delay { int64 seconds = 1; int32 nanos = 2; }`, { keepCase: true }).root;

function failureOf(error: grpc.ServiceError, requestId: string): CallFailed {
  let reason = "";
  let retryAfterMs = 0;
  let metadata: Record<string, string> = {};
  const [packed] = error.metadata?.get("grpc-status-details-bin") ?? [];
  try {
    const status = DETAILS.lookupType("Status").decode(packed instanceof Buffer ? packed : Buffer.alloc(0)) as Wire;
    for (const detail of status.details) {
      const kind = String(detail.type_url).split("google.rpc.")[1] ?? "";
      if (kind !== "ErrorInfo" && kind !== "RetryInfo") continue;
      const said = DETAILS.lookupType(kind).toObject(DETAILS.lookupType(kind).decode(detail.value), { longs: Number, defaults: true });
      if (kind === "ErrorInfo") [reason, metadata] = [said.reason, said.metadata];
      else retryAfterMs = millis(said.retry_delay);
    }
  } catch {
    // What cannot be read says nothing: the status itself counts.
  }
  return new CallFailed(error.code, reason, error.details, retryAfterMs, requestId, metadata);
}

/** A fresh id for an act that has none of its own. Keep it: asking again takes the same. */
export const freshRequestId = () => randomUUID();
