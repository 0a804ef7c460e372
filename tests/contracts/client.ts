// What an app developer writes against the generated types: if this no longer compiles, neither do their apps.
import type { components, paths } from "./api";

type Answer<Operation> = Operation extends { responses: infer Responses } ? Responses : never;

const sos: NonNullable<paths["/v1/me/sos"]["post"]["requestBody"]>["content"]["application/json"] = {};
const answer: components["schemas"]["AnswerWrite"] = { status: "ok" };
const raise: components["schemas"]["AlarmRaise"] = { kind: "fall" };

function describe(problem: Answer<paths["/v1/me/profile"]["get"]>[403]["content"]["application/problem+json"]): string {
  return `${problem.code}: ${problem.title}`;
}

function names(page: Answer<paths["/v1/residents"]["get"]>[200]["content"]["application/json"]): string[] {
  const next: string | null = page.next;
  return next === null ? page.items.map((resident) => resident.name) : [];
}

function isOver(alarm: components["schemas"]["AlarmPublic"]): boolean {
  switch (alarm.state) {
    case "resolved":
    case "cancelled":
      return true;
    default:
      return false;
  }
}

const keyed: NonNullable<paths["/v1/residents/{resident_id}/alarms"]["post"]["parameters"]["header"]> = {
  "Idempotency-Key": "one",
};

export const used = [sos, answer, raise, describe, names, isOver, keyed];
