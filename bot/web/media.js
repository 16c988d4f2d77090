// media.js: what we send: microphone, camera, screen. A camera that is off is released, so that its
// light goes out; a muted microphone stays open and sends silence.
//
// Calls on `on`: changed() when what is sent changed, notice(text) for people.

const kSizes = { width: 1280, height: 720 };

const kWhy = {
  NotAllowedError: 'its use was not allowed',
  NotFoundError: 'none was found',
  NotReadableError: 'it is used by another program or broken',
  OverconstrainedError: 'none fits',
  AbortError: 'it could not be started',
  SecurityError: 'the browser forbids it here',
};

const explain = (error) => kWhy[error?.name] ?? error?.message ?? String(error);

export class LocalMedia {
  stream = new MediaStream(); // groups what we send; its content is what the self view shows
  microphone = null;
  camera = null;
  screen = null;
  muted = false;
  devices = { audio: '', video: '' }; // chosen device ids

  #on;
  #size;

  constructor({ size }, on) {
    this.#size = size ?? kSizes;
    this.#on = on;
  }

  get audioOn() {
    return Boolean(this.microphone) && !this.muted;
  }

  get videoOn() {
    return Boolean(this.screen ?? this.camera);
  }

  get videoSource() {
    return this.screen ? 'screen' : 'camera';
  }

  get canShare() {
    return Boolean(navigator.mediaDevices?.getDisplayMedia);
  }

  // As the room wants it said.
  describe() {
    return {
      audio: this.audioOn ? 'on' : 'off', video: this.videoOn ? 'on' : 'off',
      videoSource: this.videoSource,
    };
  }

  track(kind) {
    return kind === 'audio' ? this.microphone : (this.screen ?? this.camera);
  }

  // Both in one question to the user; if that fails, one by one, since one may be missing.
  async open({ audio, video }) {
    if (audio && video && !this.microphone && !this.camera) {
      try {
        const got = await this.#ask({ audio: this.#microphoneWish(), video: this.#cameraWish() });
        this.#keep('microphone', got.getAudioTracks()[0]);
        this.#keep('camera', got.getVideoTracks()[0]);
        return;
      } catch (error) {
        if (!navigator.mediaDevices) return this.#on.notice(`Camera and microphone: ${explain(error)}.`);
      }
    }
    if (audio) await this.setMicrophone(true);
    if (video) await this.setCamera(true);
  }

  async setMicrophone(on) {
    if (on && !this.microphone) {
      try {
        const got = await this.#ask({ audio: this.#microphoneWish() });
        this.muted = false;
        this.#keep('microphone', got.getAudioTracks()[0]);
      } catch (error) {
        this.#on.notice(`No microphone: ${explain(error)}. You can listen.`);
      }
      return;
    }
    this.muted = !on;
    if (this.microphone) this.microphone.enabled = on;
    this.#on.changed();
  }

  async setCamera(on) {
    if (!on) return this.#drop('camera');
    if (this.camera) return;
    try {
      const got = await this.#ask({ video: this.#cameraWish() });
      this.#keep('camera', got.getVideoTracks()[0]);
    } catch (error) {
      this.#on.notice(`No camera: ${explain(error)}. You can watch.`);
    }
  }

  // Another device, while it is in use or for the next time.
  async choose(kind, id) {
    this.devices[kind] = id;
    const name = kind === 'audio' ? 'microphone' : 'camera';
    if (!this[name]) return;
    this.#drop(name);
    if (kind === 'audio') await this.setMicrophone(true);
    else await this.setCamera(true);
  }

  async setScreen(on) {
    if (!on) return this.#drop('screen');
    try {
      const got = await navigator.mediaDevices.getDisplayMedia({
        video: { frameRate: { ideal: 15, max: 30 } }, audio: false,
      });
      const track = got.getVideoTracks()[0];
      if ('contentHint' in track) track.contentHint = 'detail'; // sharp text rather than motion
      this.#keep('screen', track);
    } catch (error) {
      if (error?.name !== 'NotAllowedError') this.#on.notice(`No screen: ${explain(error)}.`);
    }
  }

  async list() {
    const all = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
    const of = (kind) => all.filter((device) => device.kind === kind && device.deviceId);
    return { audio: of('audioinput'), video: of('videoinput') };
  }

  stop() {
    for (const name of ['microphone', 'camera', 'screen']) this.#drop(name);
  }

  async #ask(wish) {
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new Error('the browser allows it only over https or on this computer');
    }
    return navigator.mediaDevices.getUserMedia(wish);
  }

  #microphoneWish() {
    return {
      deviceId: this.devices.audio || undefined,
      echoCancellation: true, noiseSuppression: true, autoGainControl: true,
    };
  }

  #cameraWish() {
    return {
      deviceId: this.devices.video || undefined,
      width: { ideal: this.#size.width }, height: { ideal: this.#size.height },
      frameRate: { ideal: 30 }, facingMode: 'user',
    };
  }

  #keep(name, track) {
    this[name]?.stop();
    this[name] = track;
    if (name === 'microphone') track.enabled = !this.muted;
    track.onended = () => {
      if (this[name] !== track) return;
      if (name !== 'screen') this.#on.notice(`The ${name} is gone.`);
      this.#drop(name);
    };
    this.#show();
  }

  #drop(name) {
    const track = this[name];
    this[name] = null;
    if (!track) return;
    track.onended = null;
    track.stop();
    this.#show();
  }

  #show() {
    const wanted = [this.track('audio'), this.track('video')].filter(Boolean);
    for (const old of this.stream.getTracks()) {
      if (!wanted.includes(old)) this.stream.removeTrack(old);
    }
    for (const track of wanted) this.stream.addTrack(track);
    this.#on.changed();
  }
}
