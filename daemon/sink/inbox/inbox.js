// The inbox in a browser. Whatever a mail says becomes text, never markup; its HTML stays in a frame.
"use strict";

const $ = (id) => document.getElementById(id);
const state = { seen: 0, chosen: 0, tab: "", query: "" };

function made(tag, { text, ...more } = {}, ...children) {
  const one = document.createElement(tag);
  for (const [name, value] of Object.entries(more)) one.setAttribute(name, value);
  if (text !== undefined) one.textContent = text;
  one.append(...children);
  return one;
}

const size = (n) => n < 1000 ? `${n} B` : n < 1e6 ? `${(n / 1e3).toFixed(1)} kB` : `${(n / 1e6).toFixed(1)} MB`;

function clock(seconds) {
  const at = new Date(seconds * 1000);
  const today = at.toDateString() === new Date().toDateString();
  return today ? at.toLocaleTimeString() : at.toLocaleString();
}

async function answer(path) {
  const told = await fetch(path);
  return told.ok ? told.json() : null;
}

function line(mail, before) {
  const link = made("a", { href: `#${mail.number}`, title: mail.subject },
    made("span", { class: "to", text: mail.to.join(", ") }),
    made("time", { text: clock(mail.time) }),
    made("span", { class: "subject", text: mail.subject || "(no subject)" }));
  if (before && mail.number > before) link.className = "fresh";
  if (mail.number === state.chosen) link.setAttribute("aria-current", "true");
  return link;
}

async function list() {
  const asked = state.query;
  const told = await answer(`/mails?q=${encodeURIComponent(asked)}`);
  if (!told || asked !== state.query) return;
  $("list").replaceChildren(...told.mails.map((mail) => line(mail, state.seen)));
  $("count").textContent = asked ? `${told.mails.length} found` : told.last || "";
  $("none").hidden = told.mails.length > 0;
  $("none").textContent = asked ? "No mail has that." : "No mail yet. It appears here by itself.";
  state.seen = state.seen || told.last;
}

function pre(text) {
  return made("pre", { text });
}

function headers(mail) {
  return made("table", {}, ...mail.headers.map(([name, value]) =>
    made("tr", {}, made("td", { text: name }), made("td", { text: value }))));
}

function files(mail) {
  return made("table", {}, ...mail.attached.map((file, place) =>
    made("tr", {},
      made("td", {}, made("a", { href: `/mails/${mail.number}/parts/${place}`, download: file.name, text: file.name })),
      made("td", { text: file.kind }), made("td", { text: size(file.size) }))));
}

function tabs(mail) {
  const all = {};
  if (mail.has_html) all.HTML = () => made("iframe", {
    sandbox: "allow-popups allow-popups-to-escape-sandbox", src: `/mails/${mail.number}/html`, title: "HTML of the mail",
  });
  if (mail.text !== null) all.Text = () => pre(mail.text);
  all.Source = async () => pre(await (await fetch(`/mails/${mail.number}/source`)).text());
  all.Headers = () => headers(mail);
  if (mail.attached.length) all[`Files (${mail.attached.length})`] = () => files(mail);
  return all;
}

async function show(all, name) {
  state.tab = name;
  for (const button of $("tabs").children) button.setAttribute("aria-selected", button.textContent === name);
  $("shown").replaceChildren(await all[name]());
}

function envelope(mail) {
  const rows = [["From", mail.from || "<>"], ["To", mail.to.join(", ")], ["Came", `${clock(mail.time)}, ${size(mail.size)}, by ${mail.helo}${mail.tls ? `, ${mail.tls}` : ""}`]];
  const wrong = Object.entries(mail.violations).map(([kind, number]) => `${kind} × ${number}`);
  if (wrong.length) rows.push(["Unlawful", wrong.join(", ")]);
  $("envelope").replaceChildren(...rows.flatMap(([name, value]) => [
    made("dt", { text: name }), made("dd", { text: value, class: name === "Unlawful" ? "bad" : "" })]));
}

async function choose() {
  const number = Number(location.hash.slice(1)) || 0;
  const mail = number ? await answer(`/mails/${number}`) : null;
  state.chosen = mail ? number : 0;
  document.body.classList.toggle("reading", Boolean(mail));
  $("mail").hidden = !mail;
  $("pick").hidden = Boolean(mail);
  for (const link of $("list").children) {
    if (link.hash === location.hash) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  if (!mail) return;
  $("subject").textContent = mail.subject || "(no subject)";
  envelope(mail);
  const all = tabs(mail);
  $("tabs").replaceChildren(...Object.keys(all).map((name) => {
    const button = made("button", { type: "button", role: "tab", text: name });
    button.addEventListener("click", () => show(all, name));
    return button;
  }));
  await show(all, state.tab in all ? state.tab : Object.keys(all)[0]);
}

function live() {
  const news = new EventSource("/news");
  let last = -1;
  news.addEventListener("message", (told) => {
    if (told.data !== last) list();
    last = told.data;
  });
  news.addEventListener("open", () => { $("live").className = "on"; $("live").textContent = "live"; });
  news.addEventListener("error", () => { $("live").className = ""; $("live").textContent = "the sink has ended"; });
}

let waiting = 0;
$("search").addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => { state.query = $("search").value.trim(); list(); }, 150);
});
$("back").addEventListener("click", () => { location.hash = ""; });
addEventListener("hashchange", choose);
list().then(choose);
live();
