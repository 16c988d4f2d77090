// main.js: from the lobby into a call and back; the page's address; what tests can ask.

import { Call } from './call.js';
import { $ } from './dom.js';
import { Lobby } from './lobby.js';
import { LocalMedia } from './media.js';
import { Screen } from './screen.js';

const kMember = 'callbot.member'; // in sessionStorage: where this tab was last, and when
const kRecently = 15_000; // ms; a tab that crashed is kept by the server for a while

const address = new URLSearchParams(location.search);
const wanted = {
  room: address.get('room') ?? '',
  name: address.get('name') ?? '',
  token: address.get('token') ?? '',
  codec: ['vp8', 'vp9', 'h264'].includes(address.get('codec')) ? address.get('codec') : '',
  audio: address.get('audio') !== '0',
  video: address.get('video') !== '0',
  autojoin: address.get('autojoin') === '1',
  size: readSize(address.get('size')),
};

// "640x360": what the camera is asked for.
function readSize(text) {
  const [, width, height] = /^(\d{2,4})x(\d{2,4})$/.exec(text ?? '') ?? [];
  return width ? { width: Number(width), height: Number(height) } : undefined;
}

let call = null;
let lastEnd = null; // why the call before ended
let going = false; // the page is being left
const notices = [];

const media = new LocalMedia({ size: wanted.size }, {
  changed: () => {
    if (lobby.isOpen) lobby.show();
    call?.mediaChanged();
  },
  notice: (text) => {
    notices.push(text);
    if (call) screen.toast(text);
    else lobby.notice(text);
  },
});

const lobby = new Lobby(media, wanted, { join: (who) => enter(who) });

const screen = new Screen(media, {
  say: (text) => call.say(text),
  send: (file) => call.sendFile(file),
  refuse: (yes) => call.refuse(yes),
  leave: () => call.leave(),
});

// Was this tab in the room a moment ago, and can the server still think so?
function maybeStillThere({ room, name }) {
  try {
    const last = JSON.parse(sessionStorage.getItem(kMember));
    return last.room === room && last.name === name && Date.now() - last.time < kRecently;
  } catch {
    return false;
  }
}

function enter({ room, name, refused = false }) {
  if (call) return;
  lobby.error('');
  lobby.busy(true);
  call = new Call({
    room, name, refused, media, token: wanted.token, codec: wanted.codec,
    maybeStillThere: maybeStillThere({ room, name }),
  }, {
    changed: () => entered(),
    joined: (member) => tell(member, member.recorder ? 'started recording' : 'joined'),
    left: (member, why) => tell(member, why === 'lost' ? 'lost the connection' : 'left'),
    chat: (entry) => screen.chat(entry),
    transfer: (transfer) => screen.transfer(transfer),
    ended: (how) => ended(how),
  });
  call.start();
}

// Into the call view once the room has let us in; then every change is drawn.
function entered() {
  if (!screen.isOpen && call.phase === 'live') {
    if (lobby.isOpen) lobby.close();
    screen.open(call);
    const url = new URL(location.href);
    url.searchParams.set('room', call.room);
    history.replaceState(null, '', url);
  }
  if (call.phase === 'live') remember();
  screen.draw();
}

function remember() {
  sessionStorage.setItem(kMember, JSON.stringify({ room: call.room, name: call.name, time: Date.now() }));
}

function tell(member, what) {
  if (screen.isOpen) screen.event(`${member.name} ${what}`);
}

function ended(how) {
  lastEnd = how;
  call = null;
  if (going) return;
  if (screen.isOpen) screen.close();
  media.setScreen(false);
  lobby.busy(false);
  lobby.error(how.message);
  if (!lobby.isOpen) lobby.open();
}

// A reload is a new member: the old one says goodbye.
window.addEventListener('pagehide', () => {
  going = true;
  if (!call) return;
  remember();
  call.leave();
});

// A page that comes back out of the browser's history has left the room.
window.addEventListener('pageshow', ({ persisted }) => {
  if (persisted) location.reload();
});

async function start() {
  if (!wanted.autojoin || !wanted.room || !wanted.name) return lobby.open();
  $('lobby').hidden = true;
  await media.open(wanted);
  enter(wanted);
}

// For tests and for support: plain values, nothing to hold on to; but for connections(), which says
// whose each peer connection is.
window.callbot = {
  state: () => ({
    phase: call?.phase ?? 'lobby', times: { ...call?.times },
    id: call?.id ?? '', room: call?.room ?? '', name: call?.name ?? '',
    self: { ...media.describe(), recording: call?.refused ? 'refused' : 'allowed' },
    recording: call?.beingRecorded ?? false,
    members: [...(call?.peers.values() ?? [])].map(({ member, leg, channel }) => ({
      ...member, connection: leg?.state ?? 'none', offers: leg?.offers ?? false,
      generation: leg?.generation ?? 0, failures: leg?.failures ?? 0,
      errors: [...(leg?.errors ?? [])], channel: channel?.ready ?? false,
    })),
    chat: (call?.chatLog ?? []).map((entry) => ({ ...entry })),
    files: (call?.transfers ?? []).map((transfer) => ({ ...transfer })),
    notices: [...notices], troubles: [...(call?.troubles ?? [])], lastEnd,
  }),
  stats: async () => (await call?.stats()) ?? {},
  connections: () => [...(call?.peers.values() ?? [])].filter(({ leg }) => leg?.pc)
    .map(({ member, leg }) => ({ member, pc: leg.pc })),
  // As if the network had cut the connection to the server.
  dropConnection: () => call?.dropConnection(),
};

start();
