// The page: who one is, which rooms one is in, which of them is shown (the address tells: #room=ID), and what each
// frame does.

import { Composer } from "./composer.js";
import { Connection } from "./connection.js";
import { CreateDialog, DeleteDialog, NameDialog } from "./dialogs.js";
import { announce, byId } from "./dom.js";
import { LOOK_HIDDEN_MS, LOOK_MS, ROOMS_JOINED_MAX } from "./limits.js";
import { bdi } from "./names.js";
import { showNodes } from "./nodes.js";
import { Room } from "./room.js";
import { Rooms } from "./rooms.js";
import { Status } from "./status.js";
import { recallName, recallNumbers, recallRooms, rememberName, rememberNumbers, rememberRooms } from "./storage.js";

const ROOM = "#room=";
const TITLE = "Swarmyard chat";

let name = (recallName() ?? "").normalize("NFC");
/** The node one is connected to, by its own word. */
let node = "";
/** The rooms that one is in, by their ids; the one that was shown last at the end. */
const joined = new Map();
/** The room that is shown. */
let room = null;
let lookTimer = 0;
/** The last list of each node, by its name, also of those that do not answer now. */
const lists = new Map();
let unavailable = [];
let refusing = [];

const socketUrl = new URL("ws", location.href);
socketUrl.protocol = socketUrl.protocol.replace("http", "ws");
socketUrl.hash = "";

const status = new Status({ onTryNow: () => connection.connect() });
const composer = new Composer({ onSend: send });
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
const chat = {
  connection,
  userName: () => name,
  isSeen,
  onRetry: resend,
  onEdit: (text) => composer.prepend(text),
  onGone: lose,
  onRefused: lose,
  look,
};

const FRAMES = {
  rooms_list: (_, request) => request?.context?.room.historyEnded(request.context.history),
  global_rooms_list: takeLists,
  room_created(data) {
    if (data.success === false) return createDialog.fail(`${data.message}.`);
    createDialog.done();
    choose(data.room_id);
  },
  join_room_success(data, request) {
    const itsRoom = request?.context;
    if (joined.get(data.room_id) !== itsRoom) return;
    itsRoom.joined(data);
    if (itsRoom === room) {
      composer.open(room.id, room.name);
      showTitle();
    }
    look();
  },
  join_room_error: (data, request) => joined.get(request?.context?.id) === request?.context && request?.context?.refused(data),
  new_message: inRoom((data, itsRoom) => {
    itsRoom.message(data);
    showUnread();
  }),
  message_sent: (_, request) => request?.context.room.outbox.remove(request.context.item),
  message_error: refuseMessage,
  member_joined: inRoom((data, itsRoom) => itsRoom.memberJoined(data)),
  member_left: inRoom((data, itsRoom) => itsRoom.memberLeft(data)),
  delete_room_initiated(data) {
    if (data.transaction_id) return deleteDialog.progress("Asking all nodes to delete it…");
    if (data.initiator === name) return;
    joined.get(data.room_id)?.log.addEvent(bdi(data.initiator ?? "Somebody"), " is deleting this room…");
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
  delete_room_cancelled: inRoom((_, itsRoom) => itsRoom.log.addEvent("The room stays: its deletion was cancelled")),
  error(data, request) {
    if (request?.type === "send_message") request.context.room.outbox.fail(request.context.item, `Not sent: ${data.message}.`);
    else status.notice(`The node did not understand this page: ${data.message}.`, "warning");
  },
};

function inRoom(action) {
  return (data) => joined.has(data.room_id) && action(data, joined.get(data.room_id));
}

// The connection.

function onState(state) {
  status.show(state);
  if (state.kind !== "open") return;
  composer.clearHint();
  for (const itsRoom of joined.values()) itsRoom.join();
  look();
  whoAnswers();
}

function onLost(requests) {
  for (const { type, context } of requests) {
    if (type === "send_message") context.room.outbox.doubt(context.item);
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
  const pause = document.hidden ? LOOK_HIDDEN_MS : LOOK_MS;
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
  const listed = new Map(data.rooms.map((listed) => [listed.room_id, listed]));
  for (const itsRoom of [...joined.values()]) itsRoom.judge(listed.get(itsRoom.id), unavailable);
  showRooms();
  planLook();
}

function showRooms() {
  const order = [...lists.keys()].sort((a, b) => (b === node) - (a === node) || a.localeCompare(b, undefined, { numeric: true }));
  const shown = order.map((id) => ({
    node: id,
    isSelf: id === node,
    isAvailable: !unavailable.includes(id),
    isRefusing: refusing.includes(id),
    rooms: lists.get(id),
  }));
  const unread = new Map([...joined.values()].map(({ id, unread: number }) => [id, number]));
  rooms.show({ currentId: room?.id ?? "", lists: shown, unread });
  showNodes(shown);
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
  hideRoom();
  if (id) showRoom(id);
  else setView("rooms");
  showRooms();
  showTitle();
}

/** Shows a room; one that one is not in yet is joined. */
function showRoom(id) {
  const isNew = !joined.has(id);
  room = joined.get(id) ?? enter(id);
  // Now it is the last one.
  joined.delete(id);
  joined.set(id, room);
  byId("room").hidden = false;
  byId("empty").hidden = true;
  showAbout(false);
  byId("about").hidden = false;
  document.body.dataset.view = "chat";
  room.show();
  see();
  if (!isNew) composer.open(id, room.name);
  rememberJoined();
  // On a phone the keyboard would cover half of what one came to read.
  if (!matchMedia("(pointer: coarse)").matches) composer.focus();
  else byId("room-name").focus();
}

/** Joins a room. `seen`: the number of the last message seen there, if one was there before. */
function enter(id, seen = null) {
  if (joined.size >= ROOMS_JOINED_MAX) closeRoom(joined.values().next().value, { isLeft: true });
  const entered = new Room(id, chat, seen);
  joined.set(id, entered);
  const listed = [...lists.values()].flat().find(({ room_id: other }) => other === id);
  if (listed) entered.describe(listed);
  entered.join();
  return entered;
}

/** Takes the room out of sight; one stays in it. */
function hideRoom() {
  if (!room) return;
  composer.keepDraft(room.id);
  room.hide();
  room = null;
  showAbout(false);
  byId("room").hidden = true;
  byId("about").hidden = true;
  byId("empty").hidden = false;
}

function closeRoom(closed, { isLeft }) {
  if (isLeft) closed.leave();
  if (closed === room) hideRoom();
  composer.addDraft(closed.id, closed.outbox.clear());
  joined.delete(closed.id);
  rememberJoined();
}

/** Closes a room that is not there any more, or cannot be joined, and says why. */
function lose(lost, text) {
  const wasShown = lost === room;
  closeRoom(lost, { isLeft: false });
  if (wasShown) {
    history.replaceState(null, "", location.pathname + location.search);
    setView("rooms");
    byId("rooms-title").focus();
  }
  showRooms();
  showTitle();
  status.notice(text, "warning");
}

function rememberJoined() {
  rememberRooms(new Map([...joined.values()].map(({ id, seen }) => [id, seen])));
}

function forget(id, sentence) {
  deleteDialog.close(id);
  for (const [key, list] of lists) lists.set(key, list.filter(({ room_id: other }) => other !== id));
  const itsRoom = joined.get(id);
  if (itsRoom) lose(itsRoom, sentence(`“${itsRoom.name}”`));
  else showRooms();
}

// Messages.

function send(text) {
  if (!connection.isOpen) return "Not sent: there is no connection now. Your text stays here; send it when the connection is back.";
  if (room.outbox.isFull) return "Not sent: too many messages wait above. Send or discard them first; your text stays here.";
  sendItem(room, room.outbox.add(text));
  room.log.scrollToEnd();
  return "";
}

function resend(itsRoom, item) {
  if (!connection.isOpen) return itsRoom.outbox.fail(item, "Not sent: there is still no connection.");
  itsRoom.outbox.resend(item);
  item.hasRejoined = false;
  sendItem(itsRoom, item);
}

function sendItem(itsRoom, item) {
  if (itsRoom.stage === "removed") itsRoom.join();
  const data = { room_id: itsRoom.id, username: name, content: item.content };
  connection.request("send_message", data, { item, room: itsRoom });
}

function refuseMessage({ error, error_code: code }, request) {
  if (!request) return;
  const { item, room: itsRoom } = request.context;
  // Its node has forgotten us, perhaps because it was restarted: joining again may be all it takes.
  if ((code === "NOT_MEMBER" || code === "INTERNAL_ERROR") && !item.hasRejoined) {
    item.hasRejoined = true;
    itsRoom.join();
    sendItem(itsRoom, item);
    return;
  }
  const isAway = code === "ADMIN_NODE_UNAVAILABLE" || code === "ROOM_NOT_FOUND";
  if (isAway) look();
  const reason = isAway ? `${itsRoom.admin}, where this room lives, does not answer` : error;
  itsRoom.outbox.fail(item, `Not sent: ${reason}.`);
  itsRoom.log.follow();
}

/** Whether somebody looks at this room now. */
function isSeen(itsRoom) {
  return itsRoom === room && !document.hidden && byId("log-scroll").checkVisibility();
}

/** Takes note that somebody looks at the room that is shown. */
function see() {
  if (!room || !isSeen(room)) return;
  room.see();
  showUnread();
}

function showUnread() {
  showTitle();
  showRooms();
}

function showTitle() {
  const unread = [...joined.values()].reduce((sum, { unread: number }) => sum + number, 0);
  const where = room?.name ? `${room.name} · ${TITLE}` : TITLE;
  document.title = unread ? `(${unread}) ${where}` : where;
}

// You.

function setName(given) {
  // The one form of it, as the node has it.
  const normal = given.normalize("NFC");
  const shownId = room?.id;
  const seen = new Map([...joined.values()].map(({ id, seen: number }) => [id, number]));
  if (normal !== name) for (const left of [...joined.values()]) closeRoom(left, { isLeft: true });
  name = normal;
  rememberName(name);
  showName();
  for (const [id, number] of seen) if (!joined.has(id)) enter(id, number);
  if (shownId && !room) showRoom(shownId);
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
  see();
}

function showNumbers(areShown) {
  document.body.toggleAttribute("data-numbers", areShown);
  byId("show-numbers").checked = areShown;
  rememberNumbers(areShown);
  room?.log.keepEnd();
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
byId("show-numbers").addEventListener("change", (event) => showNumbers(event.target.checked));
byId("leave").addEventListener("click", () => {
  history.pushState(null, "", location.pathname + location.search);
  closeRoom(room, { isLeft: true });
  setView("rooms");
  showRooms();
  showTitle();
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
// What is not sent, and where one is, survives a reload.
addEventListener("pagehide", () => {
  rememberJoined();
  for (const { id, outbox } of joined.values()) composer.addDraft(id, outbox.clear());
  if (room) composer.keepDraft(room.id);
});
addEventListener("pageshow", (event) => event.persisted && location.reload());
addEventListener("online", () => connection.connect());
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  see();
  connection.connect();
  look();
});
// Where the browser does not make room for a soft keyboard by itself, the page does.
visualViewport?.addEventListener("resize", () => {
  if (visualViewport.scale === 1) document.documentElement.style.setProperty("--height", `${visualViewport.height}px`);
});

showName();
showNumbers(recallNumbers());
if (!name) nameDialog.ask("");
else for (const [id, seen] of recallRooms()) enter(id, seen);
followAddress();
connection.connect();
