// A form of an app's own for sign-ins by mail: a custom challenge of Cognito, answered with a
// code that is typed, or with the secret in the fragment of a link. What makes a link belong
// to this browser is the session, which stays here.

const config = await (await fetch(location.pathname + "/config.json")).json();
const element = (id) => document.getElementById(id);

// cognito calls the API. The error is its code.
async function cognito(action, input) {
  const answer = await fetch("/", {
    method: "POST", body: JSON.stringify({ ClientId: config.clientId, ...input }),
    headers: { "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AWSCognitoIdentityProviderService." + action },
  });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error((body.__type ?? "ServiceError").split("#").pop());
  return body;
}

// asked is the sign-in that waits for a mail. All tabs of this browser share it, because a link
// opens a new one.
const asked = {
  get: () => JSON.parse(localStorage.getItem("signin") ?? "null"),
  set: (value) => localStorage.setItem("signin", JSON.stringify(value)),
  clear: () => localStorage.removeItem("signin"),
};

function show(id, title, lead) {
  for (const part of ["ask", "answer", "signed-in"]) element(part).hidden = part !== id;
  element("title").textContent = title;
  element("lead").textContent = lead;
  document.title = title + document.title.slice(document.title.lastIndexOf(" – "));
  element("problem").hidden = true;
  document.querySelector("main").removeAttribute("aria-busy");
  (element(id).querySelector("input") ?? element("title")).focus();
}

function problem(text) {
  element("problem").textContent = text;
  element("problem").hidden = false;
}

const showAsk = () => show("ask", "Sign in by mail", "You get a mail with a code and a link. You need no password.");
// The same for everybody: nobody learns here who has an account.
const showAnswer = () => show("answer", "Look into your mailbox", "If there is an account with this address, a mail is on its way. It can be used for 15 minutes.");

const claims = (jwt) => JSON.parse(new TextDecoder().decode(
  Uint8Array.from(atob(jwt.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0))));

function showSignedIn(tokens) {
  const token = claims(tokens.IdToken);
  element("claims").replaceChildren(...["email", "sub"].flatMap((name) => {
    const [term, detail] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = name;
    detail.textContent = token[name] ?? "";
    return [term, detail];
  }));
  show("signed-in", "You are signed in", "With a mail, and without a password.");
}

async function ask(username) {
  const begun = await cognito("InitiateAuth", { AuthFlow: "CUSTOM_AUTH", AuthParameters: { USERNAME: username } });
  asked.set({ username, session: begun.Session });
  showAnswer();
}

async function answer(secret) {
  const waiting = asked.get();
  const result = await cognito("RespondToAuthChallenge", {
    ChallengeName: "CUSTOM_CHALLENGE", Session: waiting.session, ChallengeResponses: { USERNAME: waiting.username, ANSWER: secret },
  });
  if (result.AuthenticationResult) {
    sessionStorage.setItem("signin-tokens", JSON.stringify(result.AuthenticationResult));
    asked.clear();
    return showSignedIn(result.AuthenticationResult);
  }
  asked.set({ ...waiting, session: result.Session });
  element("code").value = "";
  showAnswer();
  problem("This code or link is not right, or it was used before.");
}

// fails runs a step and says in words what went wrong. One step runs at a time: an answer that
// is sent twice would use its code up without signing in.
let busy = false;
const fails = (step) => async (event) => {
  event?.preventDefault();
  if (busy) return;
  busy = true;
  element("problem").hidden = true;
  try {
    await step();
  } catch (error) {
    if (error.message === "NotAuthorizedException" || error.message === "InvalidParameterException") {
      asked.clear();
      showAsk();
      problem("This did not work, or took too long. Please ask for another mail.");
    } else {
      problem("Sign-in by mail does not work at the moment. Please try again later.");
    }
  } finally {
    busy = false;
  }
};

element("ask").addEventListener("submit", fails(() => ask(element("email").value.trim())));
element("answer").addEventListener("submit", fails(() => answer(element("code").value)));
element("again").addEventListener("click", () => { asked.clear(); showAsk(); });
element("sign-out").addEventListener("click", () => { sessionStorage.removeItem("signin-tokens"); showAsk(); });
// Another tab has opened the link.
addEventListener("storage", (event) => { if (event.key === "signin" && event.newValue === null) showAsk(); });

// open takes the secret out of the address bar and answers with it.
async function open() {
  const secret = new URLSearchParams(location.hash.slice(1)).get("signin");
  if (!secret) return false;
  history.replaceState(null, "", location.pathname);
  if (asked.get()) {
    await fails(() => answer(secret))();
  } else {
    showAsk();
    problem("This link works in the browser in which you asked for the mail. Open it there, or type the code there.");
  }
  return true;
}

addEventListener("hashchange", open); // a link that is opened in the tab that asked
const tokens = JSON.parse(sessionStorage.getItem("signin-tokens") ?? "null");
if (!(await open())) {
  if (tokens) showSignedIn(tokens);
  else if (asked.get()) showAnswer();
  else showAsk();
}
