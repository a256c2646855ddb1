/* Helps with the form of a record. Without it every button sends the form and the page comes back with all that was typed.
   With it: faults appear beside their fields while one types; the draft is saved when one pauses; fields are added and taken
   away in place; Ctrl+S and Ctrl+Enter press the buttons that say so. It holds no rule of any field: the service judges. */
(() => {
  "use strict";
  const PAUSE = 500; // ms without a key before the form is checked
  const KEEP = 4000; // ms without a key before the draft is saved
  let timer = 0, keeper = 0, number = 0, busy = false, plainly = false, flying = null;

  const form = () => document.getElementById("record-form");

  const body = (more) => {
    const data = new URLSearchParams();
    for (const [name, value] of new FormData(form())) if (typeof value === "string") data.append(name, value);
    for (const [name, value] of Object.entries(more)) data.append(name, value);
    return data;
  };

  const say = (words) => {
    const place = document.getElementById("state");
    if (place) place.textContent = words;
  };

  const show = (faults) => {
    const byId = new Map();
    for (const one of faults) if (one.id && !byId.has(one.id)) byId.set(one.id, one.what);
    for (const node of form().querySelectorAll(".invalid-feedback")) {
      const id = node.id.replace(/_wrong$/, "");
      const field = document.getElementById(id);
      const what = byId.get(id) || "";
      node.textContent = what;
      node.hidden = !what;
      if (field && "value" in field) {
        field.classList.toggle("is-invalid", Boolean(what));
        field.setAttribute("aria-invalid", what ? "true" : "false");
      }
    }
    for (const link of form().querySelectorAll(".contents a")) {
      const part = document.getElementById(link.hash.slice(1));
      link.classList.toggle("faulty", Boolean(part && part.querySelector(".invalid-feedback:not([hidden])")));
    }
  };

  const look = async (keep) => {
    const mine = ++number;
    const here = form();
    if (!here || !here.dataset.judge) return;
    try {
      const answer = await fetch(here.dataset.judge, {
        method: "POST", body: body(keep ? { autosave: "1" } : {}), redirect: "error", headers: { Accept: "application/json" },
      });
      if (answer.status === 401 || answer.status === 400) {
        say("You are logged out, or the form is too old: save, and log in; nothing that you typed is lost.");
        return;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      const told = await answer.json();
      if (keep) here.elements.draft.value = told.draft;
      if (mine !== number) return; // typed on meanwhile
      show(told.faults);
      const count = told.faults.length;
      const words = count ? `${count} ${count === 1 ? "field needs" : "fields need"} a look.` : "Nothing stands against publishing.";
      say(told.conflict || (told.saved ? `Draft saved at ${told.saved.slice(11, 19)} UTC. ${words}` : words));
    } catch {
      say("The service does not answer just now; go on typing.");
    }
  };

  // what is on the desk as it would be seen, while it is open; the service draws it, and the page shows it as it comes
  const preview = async () => {
    const place = document.getElementById("preview");
    if (!place || !place.open || !form()) return;
    try {
      const answer = await fetch(place.dataset.preview, { method: "POST", body: body({}), redirect: "error", headers: { Accept: "text/html" } });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      place.querySelector("div").replaceChildren(...page.body.childNodes);
    } catch { /* said beside the buttons when the form is checked */ }
  };

  const typed = () => {
    clearTimeout(timer);
    clearTimeout(keeper);
    timer = setTimeout(() => { look(false); preview(); }, PAUSE);
    keeper = setTimeout(() => { flying = look(true).finally(() => { flying = null; }); }, KEEP);
  };

  // fields are added and taken away by the service; only the form is drawn anew, where it was
  const exchange = async (button) => {
    const here = form();
    const before = new Map([...here.elements].map((one) => [one, one.value]));
    const answer = await fetch(here.action, { method: "POST", body: body({ do: button.value }), redirect: "error", headers: { Accept: "text/html" } });
    if (!answer.ok) return false;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const next = page.getElementById("record-form");
    if (!next) return false;
    const active = document.activeElement;
    const moved = active && active.name && active !== button && here.contains(active);
    const opened = [...here.querySelectorAll("details[open] > summary")].map((one) => one.textContent);
    here.replaceWith(next);
    for (const [one, value] of before) { // what was typed while the answer was under way
      const same = one.name && one.tagName !== "BUTTON" && one.value !== value && next.elements.namedItem(one.name);
      if (same && "value" in same) same.value = one.value;
    }
    for (const one of next.querySelectorAll("details:not([open]) > summary")) {
      if (opened.includes(one.textContent)) one.parentNode.open = true;
    }
    const place = (moved && next.elements.namedItem(active.name)) || next.querySelector("[autofocus]");
    if (place) {
      const field = place.matches("input, select, textarea") ? place : place.querySelector("select, input:not([type=hidden]), textarea") || place;
      field.focus();
    }
    typed();
    return true;
  };

  document.addEventListener("input", (event) => {
    if (event.target.closest("#record-form")) typed();
  });
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    clearTimeout(timer);
    clearTimeout(keeper);
    if (flying && event.target === form()) { // the draft that is being saved first, so that it is not somebody else's
      event.preventDefault();
      flying.finally(() => event.target.requestSubmit(button));
      return;
    }
    if (plainly || !button || event.target !== form() || !/^(add|remove|up):/.test(button.value)) return;
    event.preventDefault();
    if (busy) return;
    busy = true;
    exchange(button).then((done) => {
      if (done) return;
      plainly = true; // the whole page says what is wrong
      button.form.requestSubmit(button);
    }, () => say("The service does not answer just now; try again.")).finally(() => { busy = false; });
  });
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
    const button = document.querySelector(`button[data-key="${event.key === "S" ? "s" : event.key}"]`);
    if (!button || (event.key !== "s" && event.key !== "S" && event.key !== "Enter")) return;
    event.preventDefault();
    button.click();
  });
  // a link to a field that waits behind `More` opens that
  const reveal = () => {
    const field = location.hash && document.getElementById(location.hash.slice(1));
    for (let node = field; node; node = node.parentElement) if (node.tagName === "DETAILS") node.open = true;
    if (field && field.focus) field.focus();
  };
  window.addEventListener("hashchange", reveal);
  const shown = document.getElementById("preview");
  if (shown) {
    shown.hidden = false;
    shown.addEventListener("toggle", preview);
  }
})();
