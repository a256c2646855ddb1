/* Sends a table to TOPCAT, Aladin or whatever else takes tables on this machine, by SAMP 1.3's Web Profile: XML-RPC to
   the hub that such a program runs on the reader's own machine, who is asked there whether this page may.
   <button hidden data-samp="address of a VOTable" data-samp-name="title"> appears where this script runs; what becomes
   of it is said in the element that its aria-describedby names. */
(() => {
  "use strict";
  const HUB = "http://localhost:21012/";
  const TABLE = "table.load.votable";
  const PATIENCE = 60000; // ms in which the person may say yes to the hub

  const element = (name, ...inner) => {
    const made = document.implementation.createDocument(null, name);
    made.documentElement.append(...inner.map((one) => (typeof one === "string" ? one : made.importNode(one, true))));
    return made.documentElement;
  };

  const written = (value) => element("value", typeof value === "string" ? element("string", value)
    : element("struct", ...Object.entries(value).map(([name, one]) => element("member", element("name", name), written(one)))));

  const read = (node) => {
    const kind = node.firstElementChild;
    if (!kind) return node.textContent;
    if (kind.tagName === "struct") {
      return Object.fromEntries([...kind.children].map((one) =>
        [one.querySelector(":scope > name").textContent, read(one.querySelector(":scope > value"))]));
    }
    if (kind.tagName === "array") return [...kind.firstElementChild.children].map(read);
    return kind.textContent;
  };

  class Refused extends Error {}

  // an answer that is a fault, or none of XML-RPC, is a refusal; no answer at all is fetch's own error
  const call = async (method, ...values) => {
    const params = element("params", ...values.map((one) => element("param", written(one))));
    const body = new XMLSerializer().serializeToString(element("methodCall", element("methodName", `samp.webhub.${method}`), params));
    const answer = await fetch(HUB, {
      method: "POST", body, headers: { "Content-Type": "text/xml" }, credentials: "omit", redirect: "error",
      signal: AbortSignal.timeout(PATIENCE),
    });
    const told = new DOMParser().parseFromString(await answer.text(), "text/xml");
    const value = told.querySelector("methodResponse > params > param > value");
    if (!value) throw new Refused(told.querySelector("fault") ? "fault" : "no answer");
    return read(value);
  };

  const title = (name) => ({ "samp.name": name, "samp.description.text": document.title });

  const send = async (url, name) => {
    let key;
    try {
      key = (await call("register", title(document.querySelector(".brand").textContent.trim())))["samp.private-key"];
    } catch (error) {
      if (error instanceof Refused) return "The hub did not let this page in: nothing was sent.";
      if (error.name === "TimeoutError") return "The hub waited a minute for your consent: press again, and say yes in its window.";
      return "No SAMP hub answers on this machine: start TOPCAT (or another program with a hub), and press again.";
    }
    try {
      const takers = await call("getSubscribedClients", key, TABLE);
      const count = Object.keys(takers).length;
      if (!count) return "A SAMP hub answers, but no program there takes tables: start TOPCAT, and press again.";
      await call("notifyAll", key, { "samp.mtype": TABLE, "samp.params": { url, name } });
      return count === 1 ? "Sent to one program." : `Sent to ${count} programs.`;
    } catch {
      return "The hub took the greeting but not the table: look at its window, and press again.";
    } finally {
      call("unregister", key).catch(() => {}); // a hub forgets those that it does not hear of
    }
  };

  for (const button of document.querySelectorAll("button[data-samp]")) {
    const said = document.getElementById(button.getAttribute("aria-describedby"));
    button.hidden = false;
    button.addEventListener("click", async () => {
      button.disabled = true;
      said.textContent = "Asking the SAMP hub of this machine: it may ask you whether this page may.";
      said.textContent = await send(new URL(button.dataset.samp, location.href).href, button.dataset.sampName);
      button.disabled = false;
    });
  }
})();
