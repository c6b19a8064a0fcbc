// The page: who one is, which room one is in (the address tells: #room=ID), and what each frame does.

import { Composer } from "./composer.js";
import { Connection } from "./connection.js";
import { CreateDialog, DeleteDialog, NameDialog } from "./dialogs.js";
import { announce, bdi, byId } from "./dom.js";
import { LOOK_AWAY_MS, LOOK_HIDDEN_MS, LOOK_MS } from "./limits.js";
import { Log } from "./log.js";
import { Outbox } from "./outbox.js";
import { Room } from "./room.js";
import { Rooms } from "./rooms.js";
import { Status } from "./status.js";
import { recallName, rememberName } from "./storage.js";

const ROOM = "#room=";
const TITLE = "Swarmyard chat";

let name = (recallName() ?? "").normalize("NFC");
/** The node one is connected to, by its own word. */
let node = "";
let room = null;
let unread = 0;
let lookTimer = 0;
/** The last list of each node, by its name, also of those that do not answer now. */
const lists = new Map();
let unavailable = [];
let refusing = [];

const socketUrl = new URL("ws", location.href);
socketUrl.protocol = socketUrl.protocol.replace("http", "ws");
socketUrl.hash = "";

const log = new Log();
const status = new Status({ onTryNow: () => connection.connect() });
const composer = new Composer({ onSend: send });
const outbox = new Outbox({ onRetry: resend, onEdit: (text) => composer.prepend(text) });
const rooms = new Rooms({ onChoose: choose });
const nameDialog = new NameDialog({ onName: setName });
const createDialog = new CreateDialog({
  onCreate: (room_name, description) =>
    connection.request("create_room", { room_name, creator_id: name, ...(description && { description }) }),
});
const deleteDialog = new DeleteDialog({
  onDelete: () => connection.request("delete_room", { room_id: room.id, username: name }),
});
const connection = new Connection(socketUrl, { onState, onFrame: (type, ...rest) => FRAMES[type]?.(...rest), onLost });

/** What a room needs of the page. */
const chat = { connection, log, outbox, composer, userName: () => name, onGone: goHome, onRefused: goHome, look };

const FRAMES = {
  rooms_list: (_, request) => request?.context?.room.historyEnded(request.context.history),
  global_rooms_list: takeLists,
  room_created(data) {
    if (data.success === false) return createDialog.fail(`${data.message}.`);
    createDialog.done();
    choose(data.room_id);
  },
  join_room_success(data, request) {
    if (!room || request?.context !== room) return;
    room.joined(data);
    composer.open(room.id, room.name);
    showTitle();
    look();
  },
  join_room_error: (data, request) => request?.context === room && room?.refused(data),
  new_message: inRoom((data) => room.message(data) && countUnread()),
  message_sent: (_, request) => request && outbox.remove(request.context.item),
  message_error: refuseMessage,
  member_joined: inRoom((data) => room.memberJoined(data)),
  member_left: inRoom((data) => room.memberLeft(data)),
  delete_room_initiated(data) {
    if (data.transaction_id) return deleteDialog.progress("Asking all nodes to delete it…");
    const isOwn = data.initiator === name;
    if (data.room_id === room?.id && !isOwn) log.addEvent(bdi(data.initiator ?? "Somebody"), " is deleting this room…");
  },
  delete_room_success(data) {
    deleteDialog.close(data.room_id);
    // The room's members get `room_deleted` as well.
    forget(data.room_id, (title) => `You deleted ${title}.`);
  },
  delete_room_failed(data) {
    if (deleteDialog.isOpen) deleteDialog.fail(`It was not deleted: ${data.reason}.`);
    else status.notice(`The room was not deleted: ${data.reason}.`, "warning");
  },
  room_deleted: (data) => forget(data.room_id, (title) => `${title} was deleted by who opened it.`),
  delete_room_cancelled: inRoom(() => log.addEvent("The room stays: its deletion was cancelled")),
  error(data, request) {
    if (request?.type === "send_message") outbox.fail(request.context.item, `Not sent: ${data.message}.`);
    else status.notice(`The node did not understand this page: ${data.message}.`, "warning");
  },
};

function inRoom(action) {
  return (data) => data.room_id === room?.id && action(data);
}

// The connection.

function onState(state) {
  status.show(state);
  if (state.kind !== "open") return;
  composer.clearHint();
  room?.join();
  look();
  whoAnswers();
}

function onLost(requests) {
  for (const { type, context } of requests) {
    if (type === "send_message") outbox.doubt(context.item);
    if (type === "create_room") createDialog.fail("The connection was lost. Look whether the room is there, or try again.");
    if (type === "delete_room") deleteDialog.fail("The connection was lost. Whether the room is gone will show when it is back.");
  }
}

async function whoAnswers() {
  try {
    const answer = await fetch("whoami", { cache: "no-store" });
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    const { name: program, version, served_by, architecture } = await answer.json();
    status.setNode(node || served_by, `${program} ${version} on ${served_by} (${architecture})`);
  } catch (error) {
    // Only decoration: the list of rooms brings the node's name as well.
    console.info("whoami gave nothing:", error);
  }
}

// The list of rooms.

/** Asks for all rooms now, and again from time to time. It also shows whether the connection lives. */
function look() {
  connection.request("discover_rooms");
  planLook();
}

function planLook() {
  clearTimeout(lookTimer);
  const pause = room?.stage === "away" ? LOOK_AWAY_MS : document.hidden ? LOOK_HIDDEN_MS : LOOK_MS;
  lookTimer = setTimeout(look, pause * (0.9 + Math.random() / 5));
}

function takeLists(data) {
  const self = data.nodes_queried?.[0] ?? "";
  if (self !== node) lists.clear();
  node = self;
  unavailable = data.nodes_unavailable ?? [];
  refusing = data.nodes_refusing ?? [];
  for (const id of data.nodes_available ?? []) lists.set(id, []);
  for (const id of unavailable) if (!lists.has(id)) lists.set(id, []);
  lists.set(node, []);
  const fresh = new Map();
  for (const listed of data.rooms) {
    if (!fresh.has(listed.admin_node)) fresh.set(listed.admin_node, []);
    fresh.get(listed.admin_node).push(listed);
  }
  for (const [id, list] of fresh) lists.set(id, list);
  status.setNode(node, byId("node").title);
  room?.judge(data.rooms.find(({ room_id: id }) => id === room.id), unavailable);
  showRooms();
  planLook();
}

function showRooms() {
  const order = [...lists.keys()].sort((a, b) => (b === node) - (a === node) || a.localeCompare(b, undefined, { numeric: true }));
  rooms.show({
    currentId: room?.id ?? "",
    lists: order.map((id) => ({
      node: id,
      isSelf: id === node,
      isAvailable: !unavailable.includes(id),
      isRefusing: refusing.includes(id),
      rooms: lists.get(id),
    })),
  });
}

// Rooms: the address decides which one it is, so that a reload, a link and "back" do what they say.

function choose(id) {
  status.clearNotice();
  setView("chat");
  if (room?.id === id) composer.focus();
  else location.hash = ROOM + encodeURIComponent(id);
}

/** What a link says; a broken one says what it literally is, and leads to no room. */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function followAddress() {
  const id = location.hash.startsWith(ROOM) ? decoded(location.hash.slice(ROOM.length)) : "";
  if (!name || id === (room?.id ?? "")) return;
  if (room) closeRoom({ isLeft: true });
  if (id) openRoom(id);
  else setView("rooms");
  showRooms();
  showTitle();
}

function openRoom(id) {
  room = new Room(id, chat);
  const listed = [...lists.values()].flat().find(({ room_id: other }) => other === id);
  if (listed) room.describe(listed);
  else room.show();
  byId("room").hidden = false;
  byId("empty").hidden = true;
  showAbout(false);
  byId("about").hidden = false;
  setView("chat");
  room.join();
  // On a phone the keyboard would cover half of what one came to read.
  if (!matchMedia("(pointer: coarse)").matches) composer.focus();
  else byId("room-name").focus();
}

function closeRoom({ isLeft }) {
  if (isLeft) room.leave();
  composer.keepDraft(room.id, outbox.clear());
  log.clear();
  room = null;
  showAbout(false);
  byId("room").hidden = true;
  byId("about").hidden = true;
  byId("empty").hidden = false;
}

/** Leaves a room that is not there any more, or cannot be joined, and says why. */
function goHome(text) {
  closeRoom({ isLeft: false });
  history.replaceState(null, "", location.pathname + location.search);
  setView("rooms");
  showRooms();
  showTitle();
  status.notice(text, "warning");
  byId("rooms-title").focus();
}

function forget(id, sentence) {
  deleteDialog.close(id);
  for (const [key, list] of lists) lists.set(key, list.filter(({ room_id: other }) => other !== id));
  if (room?.id === id) goHome(sentence(`“${room.name}”`));
  else showRooms();
}

// Messages.

function send(text) {
  if (!connection.isOpen) return "Not sent: there is no connection now. Your text stays here; send it when the connection is back.";
  if (outbox.isFull) return "Not sent: too many messages wait above. Send or discard them first; your text stays here.";
  sendItem(outbox.add(text));
  log.scrollToEnd();
  return "";
}

function resend(item) {
  if (!connection.isOpen) return outbox.fail(item, "Not sent: there is still no connection.");
  outbox.resend(item);
  item.hasRejoined = false;
  sendItem(item);
}

function sendItem(item) {
  if (room.stage === "removed") room.join();
  connection.request("send_message", { room_id: room.id, username: name, content: item.content }, { item, room });
}

function refuseMessage({ error, error_code: code }, request) {
  if (!request) return;
  const { item, room: itsRoom } = request.context;
  if (itsRoom !== room) return;
  // Its node has forgotten us, perhaps because it was restarted: joining again may be all it takes.
  if ((code === "NOT_MEMBER" || code === "INTERNAL_ERROR") && !item.hasRejoined) {
    item.hasRejoined = true;
    room.join();
    sendItem(item);
    return;
  }
  const isAway = code === "ADMIN_NODE_UNAVAILABLE" || code === "ROOM_NOT_FOUND";
  if (isAway) look();
  outbox.fail(item, isAway ? `Not sent: ${room.admin}, where this room lives, does not answer.` : `Not sent: ${error}.`);
  log.follow();
}

function countUnread() {
  if (!document.hidden) return;
  unread += 1;
  showTitle();
}

function showTitle() {
  const where = room?.name ? `${room.name} · ${TITLE}` : TITLE;
  document.title = unread ? `(${unread}) ${where}` : where;
}

// You.

function setName(given) {
  const id = room?.id;
  if (room && given !== name) closeRoom({ isLeft: true });
  // The one form of it, as the node has it.
  name = given.normalize("NFC");
  rememberName(name);
  showName();
  if (id && !room) openRoom(id);
  else followAddress();
  showRooms();
}

function showName() {
  byId("your-name").textContent = name;
  byId("change-name").hidden = !name;
}

// What is in view. On a phone either the rooms or the chat, and "about" over it.

function setView(view) {
  document.body.dataset.view = view;
}

function showAbout(isShown) {
  document.body.toggleAttribute("data-about", isShown);
  // On a phone it covers everything.
  byId("chat").inert = isShown && matchMedia("(max-width: 44rem)").matches;
  byId("about-toggle").setAttribute("aria-expanded", String(isShown));
}

byId("change-name").addEventListener("click", () => nameDialog.ask(name));
byId("new-room").addEventListener("click", () => createDialog.ask(node));
byId("refresh").addEventListener("click", () => {
  look();
  announce(connection.isOpen ? "Looking for rooms." : "There is no connection now.");
});
byId("back").addEventListener("click", () => {
  setView("rooms");
  byId("rooms-title").focus();
});
byId("about-toggle").addEventListener("click", () => {
  const isShown = !document.body.hasAttribute("data-about");
  showAbout(isShown);
  if (isShown) byId("about-title").focus();
});

function closeAbout() {
  showAbout(false);
  byId("about-toggle").focus();
}
byId("about-close").addEventListener("click", closeAbout);
byId("about").addEventListener("keydown", (event) => event.key === "Escape" && closeAbout());
byId("leave").addEventListener("click", () => {
  history.pushState(null, "", location.pathname + location.search);
  followAddress();
  byId("rooms-title").focus();
});
byId("delete").addEventListener("click", () => deleteDialog.ask(room.id, room.name, room.admin === node ? "" : room.admin));
byId("join-again").addEventListener("click", () => {
  room.join();
  composer.focus();
});
byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  if (room) composer.focus();
  else byId("rooms-title").focus();
});

addEventListener("hashchange", followAddress);
addEventListener("popstate", followAddress);
// What is not sent survives a reload.
addEventListener("pagehide", () => room && composer.keepDraft(room.id, outbox.clear()));
addEventListener("pageshow", (event) => event.persisted && location.reload());
addEventListener("online", () => connection.connect());
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  unread = 0;
  showTitle();
  connection.connect();
  look();
});
// Where the browser does not make room for a soft keyboard by itself, the page does.
visualViewport?.addEventListener("resize", () => {
  if (visualViewport.scale === 1) document.documentElement.style.setProperty("--height", `${visualViewport.height}px`);
});

showName();
if (!name) nameDialog.ask("");
followAddress();
connection.connect();
