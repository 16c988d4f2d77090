// plain_sound.js: a microphone that is a file is sent as it is (Chromium). Echo cancellation would
// take out of it what sounds like that which the page plays, as the chirps of others do; noise
// suppression and gain control change what is measured of it.

(() => {
  const devices = navigator.mediaDevices;
  if (!devices) return;
  const native = devices.getUserMedia.bind(devices);
  const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  devices.getUserMedia = async (wish = {}) => {
    if (!wish.audio) return native(wish);
    return native({ ...wish, audio: { ...(wish.audio === true ? {} : wish.audio), ...plain } });
  };
})();
