// Comforts on top of pages that work without them.
"use strict";

// A form is sent once: a second click while its answer is on the way would make a second person, token or installation.
const SENT_MS = 5000;
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.getAttribute("method") !== "post") return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
  // Without an answer, the person may try again.
  setTimeout(() => delete form.dataset.sent, SENT_MS);
});

// Drop a file into a text, and send a text with Ctrl+Enter.
for (const area of document.querySelectorAll("textarea[data-drop]")) {
  area.addEventListener("dragover", (event) => {
    event.preventDefault();
    area.classList.add("over");
  });
  area.addEventListener("dragleave", () => area.classList.remove("over"));
  area.addEventListener("drop", async (event) => {
    area.classList.remove("over");
    const [file] = event.dataTransfer.files;
    if (!file) return;
    event.preventDefault();
    area.value = await file.text();
    area.focus();
  });
  area.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) area.form.requestSubmit();
  });
}

// An address that contains a compressed trace after its #, which browsers do not send to servers.
const FRAGMENT = "#trace=";
const LONGEST_ADDRESS = 8000;
const LONGEST_TEXT = 200000;

const through = (bytes, stream) => new Blob([bytes]).stream().pipeThrough(stream);

async function packed(text) {
  const bytes = new Uint8Array(await new Response(through(text, new CompressionStream("deflate-raw"))).arrayBuffer());
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (each) => each.charCodeAt(0));
  const reader = through(bytes, new DecompressionStream("deflate-raw")).pipeThrough(new TextDecoderStream()).getReader();
  let found = "";
  for (let part = await reader.read(); !part.done && found.length < LONGEST_TEXT; part = await reader.read()) {
    found += part.value;
  }
  return found;
}

async function copyAddress(area, shown) {
  const address = location.origin + area.form.getAttribute("action") + FRAGMENT + (await packed(area.value));
  shown.hidden = false;
  if (!area.value.trim() || address.length > LONGEST_ADDRESS) {
    shown.textContent = area.value.trim() ? "The text is too long for an address." : "There is no text.";
    return;
  }
  try {
    await navigator.clipboard.writeText(address);
    shown.textContent = "The address is copied.";
  } catch {
    // Pages without TLS have no clipboard.
    shown.textContent = address;
  }
}

const button = document.querySelector("button[data-address]");
if (button && window.CompressionStream) {
  const area = button.form.querySelector("textarea");
  for (const each of document.querySelectorAll("[data-address]")) each.hidden = false;
  button.addEventListener("click", () => copyAddress(area, button.form.querySelector("[data-copied]")));
  if (location.hash.startsWith(FRAGMENT) && !area.value) {
    unpacked(location.hash.slice(FRAGMENT.length)).then(
      (text) => {
        area.value = text;
        area.form.requestSubmit();
      },
      () => {}, // It was cut on its way, and the form is there for another text.
    );
  }
}

// Examples of the form beside them, while somebody fills it in.
for (const examples of document.querySelectorAll("[data-examples]")) {
  const form = examples.closest("form");
  let waiting = 0;
  const refresh = async () => {
    const sent = new URLSearchParams(new FormData(form));
    sent.set("do", "examples");
    const answer = await fetch(form.action, { method: "POST", body: sent });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("[data-examples]");
    if (fresh) examples.replaceChildren(...fresh.childNodes);
  };
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    // A request that fails changes nothing: the button shows why.
    waiting = setTimeout(() => refresh().catch(() => {}), 400);
  });
}
