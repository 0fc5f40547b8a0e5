// What a TypeScript program may rely on. It is only type-checked: each `@ts-expect-error` must be an error.
import type { components, operations } from "./daybook";

type Schemas = components["schemas"];
type Answers = operations["withdrawFromAccount"]["responses"];
type Refusal = Answers[422]["content"]["application/problem+json"];

export function explain(problem: Refusal): string {
  const status: 422 = problem.status;
  switch (problem.type) {
    case "urn:daybook:problem:insufficient-funds":
    case "urn:daybook:problem:account-closed":
      return `${status} ${problem.title}: ${problem.detail ?? ""}`;
    case "urn:daybook:problem:idempotency-key-reused":
      return problem.correlation_id ?? "";
    default:
      return unknown(problem); // fails to compile unless all types of this status are named above
  }
}

export function signed(entry: Schemas["HistoryEntry"]): number {
  const moments: string[] = [entry.occurred_at, entry.recorded_at];
  const version: number = entry.version;
  switch (entry.type) {
    case "BalanceCredited":
    case "TransferReceived":
      return entry.data.amount * version * moments.length;
    case "BalanceWithdrawn":
    case "TransferSent":
      return -entry.data.amount;
    case "AccountCreated":
      return entry.data.overdraft_limit;
    case "AccountClosed":
      return 0;
    default:
      return unknown(entry);
  }
}

function unknown(value: never): never {
  throw new Error(JSON.stringify(value));
}

export function balances(page: Schemas["AccountList"]): [number, string | undefined] {
  const cursor: string | null = page.next_cursor;
  return [page.accounts.reduce((sum, account) => sum + account.balance, 0), cursor ?? undefined];
}

export function nets(totals: Schemas["Totals"]): string[] {
  // @ts-expect-error a sum over accounts may pass what a number holds exactly
  const wrong: number[] = totals.totals.map((day) => day.net);
  return totals.totals.map((day) => `${day.day} ${day.net} ${wrong.length}`);
}

type Submitted = operations["submitCommand"]["requestBody"]["content"]["application/json"];

export const stored: Submitted = { type: "CreditAccount", amount: 5 };
// @ts-expect-error an asynchronous command says which one it is
export const untold: Submitted = { amount: 5 };
// @ts-expect-error and has the fields of that one
export const mixed: Submitted = { type: "CreditAccount", currency: "EUR" };

export const credit: Schemas["CreditAccount"] = { amount: 5 };
// @ts-expect-error money is a number
export const text: Schemas["CreditAccount"] = { amount: "5" };
// @ts-expect-error of a currency that exists
export const opened: Schemas["OpenAccount"] = { currency: "EURO" };
