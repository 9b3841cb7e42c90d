// An app in the browser, as small as one can be: it signs in with an
// authorization code and PKCE, shows who is signed in, asks the API, and signs
// out. Written by hand, because everything that a library would add, several
// providers, frames, token renewal in the background, is not needed to show it.

const page = location.origin + location.pathname;
const config = await (await fetch(location.pathname + "/config.json")).json();
const element = (id) => document.getElementById(id);

// --- PKCE and state

const base64url = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const secret = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

// begin sends the browser to a page of the provider and remembers what only the
// right answer can match.
async function begin(path) {
  const asked = { state: secret(), nonce: secret(), verifier: secret() };
  sessionStorage.setItem("asked", JSON.stringify(asked));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(asked.verifier));
  location.assign(config.provider + path + "?" + new URLSearchParams({
    client_id: config.clientId, redirect_uri: page, response_type: "code", scope: "openid email",
    state: asked.state, nonce: asked.nonce,
    code_challenge: base64url(new Uint8Array(digest)), code_challenge_method: "S256",
  }));
}

async function token(form) {
  const answer = await fetch(config.provider + "/oauth2/token", { method: "POST", body: new URLSearchParams({ client_id: config.clientId, ...form }) });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(`The code was not accepted (${body.error ?? answer.status}).`);
  return body;
}

// claims reads a token without checking its signature: it came straight from the
// provider, and whoever serves data on it checks it.
const claims = (jwt) => JSON.parse(new TextDecoder().decode(
  Uint8Array.from(atob(jwt.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0))));

// finish takes the answer out of the address bar and turns it into tokens.
async function finish(answer) {
  history.replaceState(null, "", page);
  const asked = JSON.parse(sessionStorage.getItem("asked") ?? "null");
  sessionStorage.removeItem("asked");
  if (!asked || answer.get("state") !== asked.state) throw new Error("The answer does not belong to a question of this tab. Please sign in again.");
  if (answer.has("error")) throw new Error(`Sign-in was refused (${answer.get("error")}).`);
  const tokens = await token({ grant_type: "authorization_code", code: answer.get("code"), redirect_uri: page, code_verifier: asked.verifier });
  if (claims(tokens.id_token).nonce !== asked.nonce) throw new Error("The ID token was made for somebody else's question.");
  return keep(tokens);
}

// --- the session, in this tab only

function keep(tokens) {
  sessionStorage.setItem("tokens", JSON.stringify(tokens));
  return tokens;
}

// session returns tokens that are still good, or null.
async function session() {
  const tokens = JSON.parse(sessionStorage.getItem("tokens") ?? "null");
  if (!tokens || claims(tokens.id_token).exp * 1000 > Date.now() + 10_000) return tokens;
  try {
    return keep({ ...tokens, ...await token({ grant_type: "refresh_token", refresh_token: tokens.refresh_token }) });
  } catch {
    sessionStorage.removeItem("tokens");
    return null;
  }
}

async function signOut() {
  const tokens = JSON.parse(sessionStorage.getItem("tokens") ?? "null");
  sessionStorage.removeItem("tokens");
  if (tokens?.refresh_token) {
    await fetch(config.provider + "/oauth2/revoke", { method: "POST", body: new URLSearchParams({ client_id: config.clientId, token: tokens.refresh_token }) }).catch(() => {});
  }
  location.assign(config.provider + "/logout?" + new URLSearchParams({ client_id: config.clientId, logout_uri: page }));
}

// --- the page

function say(title, lead) {
  element("title").textContent = title;
  element("lead").textContent = lead;
  document.title = title + document.title.slice(document.title.lastIndexOf(" – "));
}

// moment is a time with the zone in which it is meant.
const moment = (time) => new Date(time).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "long" });

function problem(text) {
  element("problem").textContent = text;
  element("problem").hidden = false;
}

function list(id, entries) {
  element(id).replaceChildren(...entries.flatMap(([name, value]) => {
    const [term, detail] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = name;
    detail.textContent = value;
    return [term, detail];
  }));
}

async function api(path, tokens) {
  const answer = await fetch(config.api + path, { headers: { Authorization: "Bearer " + tokens.id_token } });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(body.detail ?? body.title ?? `The API answers ${answer.status}.`);
  return body;
}

async function showUser(tokens) {
  try {
    const user = await api("/user", tokens);
    list("api-claims", [["User", user.sub], ["Groups", user.groups?.join(", ") || "none"]]);
    element("api-state").textContent = `GET ${config.api}/user knows you by your token.`;
  } catch (failure) {
    element("api-state").textContent = failure.message;
  }
}

// words makes "Sign-in succeeded" of "gatehouse.user.signin.succeeded.v1".
function words(type) {
  const text = type.replace(/^gatehouse\.(user\.)?/, "").replace(/\.v\d+$/, "").replaceAll(".", " ").replace(/\bsign(in|up)\b/, "sign-$1");
  return text === "created" ? "Account created" : text.charAt(0).toUpperCase() + text.slice(1);
}

async function showActivity(tokens) {
  try {
    const { items } = await api("/activity", tokens);
    element("activity").replaceChildren(...items.map((item) => {
      const [row, what, when] = [document.createElement("li"), document.createElement("span"), document.createElement("time")];
      what.textContent = words(item.type);
      when.dateTime = item.time;
      when.textContent = moment(item.time);
      row.append(what, when);
      return row;
    }));
    element("activity-state").textContent = items.length
      ? "From the audit trail. A sign-in shows up here after a few seconds."
      : "Nothing yet. Events take a few seconds to arrive here; ask again.";
  } catch (failure) {
    element("activity-state").textContent = failure.message;
  }
}

function showSignedIn(tokens) {
  const who = claims(tokens.id_token);
  say("You are signed in", `as ${who.email ?? who["cognito:username"]}`);
  list("claims", [
    ["Email address", who.email ?? "not in the token"], ["User (sub)", who.sub], ["Groups", who["cognito:groups"]?.join(", ") || "none"],
    ["Valid until", moment(who.exp * 1000)],
  ]);
  element("signed-in").hidden = false;
  return Promise.all([showUser(tokens), showActivity(tokens)]);
}

function showSignedOut() {
  say("Welcome", "Sign in to see who you are and what was recorded about you.");
  element("signed-in").hidden = true;
  element("signed-out").hidden = false;
}

async function show() {
  const answer = new URLSearchParams(location.search);
  let tokens = null;
  try {
    tokens = answer.has("code") || answer.has("error") ? await finish(answer) : await session();
  } catch (failure) {
    problem(failure.message);
  }
  if (tokens) await showSignedIn(tokens);
  else showSignedOut();
  document.querySelector("main").removeAttribute("aria-busy");
}

for (const [id, path] of [["sign-in", "/oauth2/authorize"], ["sign-up", "/signup"]]) {
  element(id).addEventListener("click", (event) => {
    event.preventDefault();
    begin(path);
  });
}
element("sign-out").addEventListener("click", signOut);
element("refresh").addEventListener("click", show);
if (config.clientId) await show();
else {
  say("Not ready yet", "The stack platform is not deployed.");
  document.querySelector("main").removeAttribute("aria-busy");
}
