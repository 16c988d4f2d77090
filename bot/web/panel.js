// panel.js: the panel beside the stage: who is here, and what was said and sent.

import { kLongestText } from './channel.js';
import { $, bytes, hue, icon, initials, make, setText } from './dom.js';

const kNarrow = '(max-width: 900px)';
const kTime = { hour: '2-digit', minute: '2-digit' };

const kTransferStates = {
  sending: 'sending', receiving: 'receiving', done: '', broken: 'not completed',
  damaged: 'arrived damaged', 'too large': 'too large to receive here', unreadable: 'cannot be read',
};

export class Panel {
  #members = new Map(); // id -> elements of its row
  #rows = new Map(); // transfer -> elements of its message
  #dirty = new Set();
  #unread = 0;

  // on: say(text), send(file), shown()
  constructor(on) {
    this.on = on;
    $('tab-people').onclick = () => this.open('people');
    $('tab-chat').onclick = () => this.open('chat');
    $('panel-close').onclick = () => this.close();
    $('show-people').onclick = () => this.toggle('people');
    $('show-chat').onclick = () => this.toggle('chat');
    $('panel').querySelector('[role=tablist]').onkeydown = (event) => this.#arrows(event);
    this.#wireChat();
    this.close();
  }

  reset() {
    for (const list of [$('members'), $('messages')]) list.replaceChildren();
    this.#members.clear();
    this.#rows.clear();
    this.#empty();
    if (!matchMedia(kNarrow).matches) this.open('people', false);
    else this.close();
  }

  get shown() {
    if ($('panel').hidden) return '';
    return $('chat').hidden ? 'people' : 'chat';
  }

  toggle(which) {
    if (this.shown === which) this.close();
    else this.open(which);
  }

  open(which, focus = true) {
    $('panel').hidden = false;
    for (const name of ['people', 'chat']) {
      const chosen = name === which;
      $(name).hidden = !chosen;
      $(`tab-${name}`).setAttribute('aria-selected', String(chosen));
      $(`tab-${name}`).tabIndex = chosen ? 0 : -1;
    }
    if (which === 'chat') {
      this.#unread = 0;
      $('messages').scrollTop = $('messages').scrollHeight;
      if (focus) $('chat-text').focus();
    }
    this.#mark();
  }

  close() {
    $('panel').hidden = true;
    this.#mark();
  }

  // people: [{id, name, own, recorder, audio, video, screen, refused, connection, detail, facts}]
  showPeople(people) {
    setText($('count'), String(people.length));
    const ids = new Set(people.map(({ id }) => id));
    for (const [id, row] of this.#members) {
      if (ids.has(id)) continue;
      row.element.remove();
      this.#members.delete(id);
    }
    for (const person of people) this.#showPerson(person);
  }

  message(entry) {
    const { body } = this.#bubble(entry);
    body.append(make('p', 'text', entry.text));
    if (entry.own && entry.reached === 0) body.append(make('small', 'missed', 'Nobody was there to get it.'));
    this.#arrivedAt(entry);
  }

  transfer(transfer) {
    if (!this.#rows.has(transfer)) {
      this.#rows.set(transfer, this.#fileRow(transfer));
      this.#arrivedAt(transfer);
    }
    if (!this.#dirty.size) requestAnimationFrame(() => this.#showTransfers());
    this.#dirty.add(transfer);
  }

  note(text) {
    this.#append(make('li', 'event', text));
  }

  #showPerson(person) {
    let row = this.#members.get(person.id);
    if (!row) {
      row = this.#personRow();
      this.#members.set(person.id, row);
      $('members').append(row.element);
    }
    row.avatar.style.setProperty('--hue', hue(person.name));
    row.element.classList.toggle('recorder', person.recorder);
    if (person.recorder) row.avatar.replaceChildren(icon('record'));
    else setText(row.avatar, initials(person.name));
    setText(row.name, person.own ? `${person.name} (you)` : person.name);
    setText(row.detail, person.detail);
    setText(row.facts, person.facts);
    row.dot.dataset.state = person.connection;
    const flags = [
      ['shield', person.refused, 'Does not want to be recorded'],
      ['screen', person.screen, 'Shares the screen'],
      ['mic-off', !person.recorder && !person.audio, 'Microphone off'],
      ['cam-off', !person.recorder && !person.video, 'Camera off'],
    ].filter(([, on]) => on);
    const key = flags.map(([name]) => name).join();
    if (row.flags.dataset.key === key) return;
    row.flags.dataset.key = key;
    row.flags.replaceChildren(...flags.map(([name, , label]) => {
      const flag = make('span', 'flag');
      flag.title = label;
      flag.append(icon(name), make('span', 'hidden-text', label));
      return flag;
    }));
  }

  #personRow() {
    const element = make('li', 'member');
    const avatar = make('span', 'avatar');
    avatar.setAttribute('aria-hidden', 'true');
    const words = make('span', 'member-words');
    const name = make('span', 'member-name');
    const line = make('span', 'member-detail');
    const dot = make('i', 'state-dot');
    const detail = make('span');
    const facts = make('span', 'member-facts');
    const flags = make('span', 'flags');
    line.append(dot, detail);
    words.append(name, line, facts);
    element.append(avatar, words, flags);
    return { element, avatar, name, detail, facts, dot, flags };
  }

  #fileRow(transfer) {
    const { body } = this.#bubble(transfer);
    const row = make('div', 'file');
    const words = make('div', 'file-words');
    const name = make('span', 'file-name', transfer.name);
    const state = make('small');
    const bar = make('progress');
    bar.max = 1;
    bar.setAttribute('aria-label', `Progress of ${transfer.name}`);
    const save = make('a', 'save', 'Save');
    save.download = transfer.name;
    save.hidden = true;
    words.append(name, state, bar);
    row.append(icon('file'), words, save);
    body.append(row);
    return { state, bar, save };
  }

  #showTransfers() {
    for (const transfer of this.#dirty) {
      const { state, bar, save } = this.#rows.get(transfer) ?? {};
      if (!state) continue;
      const moving = transfer.state === 'sending' || transfer.state === 'receiving';
      const parts = [bytes(transfer.size), kTransferStates[transfer.state] ?? transfer.state];
      if (moving && transfer.size) parts.push(`${Math.floor((transfer.done / transfer.size) * 100)} %`);
      if (transfer.own && transfer.state === 'done') parts.push(this.#reach(transfer.reached));
      setText(state, parts.filter(Boolean).join(' · '));
      bar.hidden = !moving;
      bar.value = transfer.size ? transfer.done / transfer.size : 1;
      save.hidden = !transfer.url;
      if (transfer.url) save.href = transfer.url;
    }
    this.#dirty.clear();
  }

  #reach(count) {
    if (count === 0) return 'nobody was there to get it';
    return count === 1 ? 'sent to 1 person' : `sent to ${count} people`;
  }

  #bubble({ from, own, time }) {
    const element = make('li', own ? 'message own' : 'message');
    const head = make('div', 'message-head');
    head.append(make('b', '', own ? 'You' : from));
    head.append(make('time', '', new Date(time).toLocaleTimeString([], kTime)));
    const body = make('div', 'message-body');
    element.append(head, body);
    this.#append(element);
    return { body };
  }

  #append(element) {
    const list = $('messages');
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
    list.querySelector('.empty')?.remove();
    list.append(element);
    if (atEnd || element.classList.contains('own')) list.scrollTop = list.scrollHeight;
  }

  #arrivedAt({ own }) {
    if (!own && this.shown !== 'chat') this.#unread++;
    this.#mark();
  }

  #empty() {
    const text = 'Messages and files go straight to the people who are here now, and are not kept.';
    $('messages').append(make('li', 'empty', text));
  }

  #mark() {
    for (const name of ['people', 'chat']) {
      $(`show-${name}`).setAttribute('aria-pressed', String(this.shown === name));
    }
    $('unread').hidden = this.#unread === 0;
    setText($('unread'), this.#unread > 9 ? '9+' : String(this.#unread));
    $('show-chat').setAttribute('aria-label', this.#unread ? `Chat, ${this.#unread} new` : 'Chat');
  }

  #arrows(event) {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    const other = this.shown === 'people' ? 'chat' : 'people';
    this.open(other, false);
    $(`tab-${other}`).focus();
  }

  #wireChat() {
    const text = $('chat-text');
    text.maxLength = kLongestText;
    const grow = () => {
      text.style.height = 'auto';
      text.style.height = `${Math.min(text.scrollHeight + 2, 120)}px`;
    };
    text.oninput = grow;
    text.onkeydown = (event) => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      $('chat-form').requestSubmit();
    };
    $('chat-form').onsubmit = (event) => {
      event.preventDefault();
      const words = text.value.trim();
      if (words) this.on.say(words);
      text.value = '';
      grow();
    };
    $('attach').onclick = () => $('file').click();
    $('file').onchange = () => {
      for (const file of $('file').files) this.on.send(file);
      $('file').value = '';
    };
  }
}
