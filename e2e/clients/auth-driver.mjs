// Plays the browser of an app with Auth.js, whose configuration is docs/connect.md's: it
// prints where the person signs in, reads the address that they came back to, and prints
// who the session is for.
import { Auth } from "@auth/core";
import { createInterface } from "node:readline/promises";
import { config } from "./auth.mjs";

const origin = new URL(process.env.REDIRECT_URI).origin;
const cookies = new Map();

async function ask(path, form) {
  const headers = { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") };
  const answer = await Auth(new Request(new URL(path, origin), { method: form ? "POST" : "GET", headers, body: form && new URLSearchParams(form) }), config);
  for (const set of answer.headers.getSetCookie()) {
    const [, name, value] = set.match(/^([^=]+)=([^;]*)/);
    value ? cookies.set(name, value) : cookies.delete(name);
  }
  return answer;
}

const { csrfToken } = await (await ask("/api/auth/csrf")).json();
const begin = await ask("/api/auth/signin/cognito", { csrfToken });
console.log(begin.headers.get("location"));
const came = await createInterface({ input: process.stdin }).question("");
await ask(came);
console.log((await (await ask("/api/auth/session")).json())?.user?.email ?? "nobody");
process.exit();
