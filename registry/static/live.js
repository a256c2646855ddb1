/* Keeps a page that shows something under way up to date: a harvest's counts, a job's phase and log.
   Every page says the same without it. An element with data-live="address" is asked for as JSON once a second; inside
   it data-field="name" takes that value, and <pre data-stream="stdout"> takes what was written since its data-since.
   When the answer says done, the page is loaded once more, for what the server draws only at the end. */
(() => {
  "use strict";
  const PERIOD = 1000; // ms between two looks; a failed look waits three times as long

  const fill = (root, values) => {
    for (const node of root.querySelectorAll("[data-field]")) {
      const value = values[node.dataset.field];
      if (value === undefined) continue;
      if (node.tagName === "PROGRESS") {
        if (value === null) node.removeAttribute("value"); else node.value = value;
      } else {
        node.textContent = value === null ? "–" : String(value);
        if (node.dataset.state !== undefined) node.dataset.state = String(value).toLowerCase();
      }
    }
  };

  const append = (node, part) => {
    if (!part || node.dataset.paused) return;
    const atEnd = node.scrollHeight - node.scrollTop - node.clientHeight < 24;
    if (part.text) node.append(part.text);
    node.dataset.since = part.next;
    if (atEnd) node.scrollTop = node.scrollHeight;
  };

  const press = (words, name, pressed, act) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-sm btn-secondary";
    button.textContent = words;
    button.setAttribute("aria-label", `${words} ${name}`);
    button.setAttribute("aria-pressed", String(pressed));
    button.addEventListener("click", () => {
      const now = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(now));
      act(now);
    });
    return button;
  };

  // above each log: hold it still, break its lines or not
  const tools = (node) => {
    const bar = document.createElement("div");
    bar.className = "log-tools";
    if (node.closest("[data-live]")) {
      bar.append(press("Pause", node.dataset.stream, false, (now) => { if (now) node.dataset.paused = "1"; else delete node.dataset.paused; }));
    }
    bar.append(press("Wrap", node.dataset.stream, true, (now) => node.classList.toggle("unwrapped", !now)));
    node.before(bar);
  };

  // what is copied by a button stands in the page for those without
  const copies = (button) => {
    if (!navigator.clipboard) return;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "Copied";
    });
  };

  const watch = (root) => {
    const logs = [...root.querySelectorAll("[data-stream]")];
    for (const node of logs) node.scrollTop = node.scrollHeight;
    const look = async () => {
      const address = new URL(root.dataset.live, location.href);
      for (const node of logs) address.searchParams.set(node.dataset.stream, node.dataset.since || "0");
      try {
        const answer = await fetch(address, { headers: { Accept: "application/json" }, redirect: "error" });
        if (!answer.ok) throw new Error(String(answer.status));
        const values = await answer.json();
        fill(root, values);
        for (const node of logs) append(node, (values.log || {})[node.dataset.stream]);
        // who holds a log still reads it: the page changes when it goes on
        if (values.done && !logs.some((node) => node.dataset.paused)) { location.reload(); return; }
        setTimeout(look, PERIOD);
      } catch {
        setTimeout(look, 3 * PERIOD);
      }
    };
    setTimeout(look, PERIOD);
  };

  // a field with data-check="address" is looked at while it is typed: the address is asked with its name and value
  const judge = (input) => {
    const said = document.createElement("div");
    said.setAttribute("role", "status");
    input.after(said);
    let last = 0;
    const ask = async () => {
      const mine = ++last;
      const address = new URL(input.dataset.check, location.href);
      address.searchParams.set(input.name, input.value);
      try {
        const answer = await fetch(address, { headers: { Accept: "application/json" }, redirect: "error" });
        const verdict = await answer.json();
        if (mine !== last || !answer.ok) return;
        said.textContent = verdict.words;
        said.className = verdict.good ? "check-good" : "check-bad";
      } catch { /* what is wrong is told when the form is sent */ }
    };
    let timer;
    input.addEventListener("input", () => {
      clearTimeout(timer);
      if (input.value.trim()) timer = setTimeout(ask, 300);
    });
  };

  // beside each time: how long ago it is, for who points at it
  const ago = (then) => {
    const seconds = Math.round((then - Date.now()) / 1000);
    const parts = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
    const [unit, size] = parts.find(([, one]) => Math.abs(seconds) >= one) || parts[3];
    return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(Math.round(seconds / size), unit);
  };
  document.addEventListener("mouseover", (event) => {
    const node = event.target.closest && event.target.closest("time[datetime]");
    const then = node && Date.parse(node.dateTime);
    if (then) node.title = `${node.dateTime}, ${ago(then)}`;
  });

  // / goes to the field to search in, ? shows the keys; not while something is typed
  const keys = document.getElementById("keys");
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, [contenteditable]")) return;
    if (event.key === "/") {
      const field = document.querySelector("main input[type=search]");
      if (field) { event.preventDefault(); field.focus(); field.select(); } else location.assign(document.body.dataset.search);
    } else if (event.key === "?" && keys) {
      event.preventDefault();
      if (keys.open) keys.close(); else keys.showModal();
    }
  });

  for (const node of document.querySelectorAll("pre[data-stream]")) tools(node);
  for (const button of document.querySelectorAll("[data-copy]")) copies(button);
  // a box that ticks all of its page
  document.addEventListener("click", (event) => {
    const all = event.target.closest("[data-all]");
    if (!all) return;
    for (const box of document.querySelectorAll(`input[name="${all.dataset.all}"]`)) box.checked = all.checked;
  });

  for (const root of document.querySelectorAll("[data-live]")) watch(root);
  for (const input of document.querySelectorAll("[data-check]")) judge(input);
  // what cannot be undone is asked about once more
  document.addEventListener("submit", (event) => {
    const words = event.submitter && event.submitter.dataset.sure;
    if (words && !window.confirm(words)) event.preventDefault();
  });
})();
