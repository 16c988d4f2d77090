// stats.js: what a peer connection says of itself, reduced to what people and tests ask for.

const kbps = (now, before, key) => {
  const seconds = (now?.timestamp - before?.timestamp) / 1000;
  const bits = (now?.[key] - before?.[key]) * 8;
  return seconds > 0 && bits >= 0 ? Math.round(bits / seconds / 100) / 10 : 0;
};

function inboundVideo(report, codec) {
  return {
    codec, framesDecoded: report.framesDecoded ?? 0, keyFramesDecoded: report.keyFramesDecoded ?? 0,
    width: report.frameWidth ?? 0, height: report.frameHeight ?? 0,
    framesPerSecond: report.framesPerSecond ?? 0, framesDropped: report.framesDropped ?? 0,
    freezeCount: report.freezeCount ?? 0, packetsReceived: report.packetsReceived ?? 0,
    packetsLost: report.packetsLost ?? 0, bytesReceived: report.bytesReceived ?? 0,
  };
}

function inboundAudio(report, codec) {
  return {
    codec, packetsReceived: report.packetsReceived ?? 0, packetsLost: report.packetsLost ?? 0,
    totalAudioEnergy: report.totalAudioEnergy ?? 0, audioLevel: report.audioLevel ?? 0,
    totalSamplesReceived: report.totalSamplesReceived ?? 0,
    concealedSamples: report.concealedSamples ?? 0,
    silentConcealedSamples: report.silentConcealedSamples ?? 0,
  };
}

function outbound(report, codec) {
  const common = { codec, packetsSent: report.packetsSent ?? 0, bytesSent: report.bytesSent ?? 0 };
  if (report.kind === 'audio') return common;
  return {
    ...common, framesEncoded: report.framesEncoded ?? 0, width: report.frameWidth ?? 0,
    height: report.frameHeight ?? 0, framesPerSecond: report.framesPerSecond ?? 0,
    pliCount: report.pliCount ?? 0, nackCount: report.nackCount ?? 0,
  };
}

const kWindow = 900; // ms at least that a rate is taken over, however often one asks

export class Stats {
  #history = []; // {at, byId}, oldest first: the first is what rates are compared with
  last = null;

  async read(pc) {
    if (!pc) return null;
    const reports = [...(await pc.getStats()).values()];
    const byId = new Map(reports.map((report) => [report.id, report]));
    const codec = (report) => (byId.get(report.codecId)?.mimeType ?? '').replace(/^\w+\//, '').toLowerCase();
    const before = this.#remember(byId);
    const rate = (report, key) => kbps(report, before.get(report.id), key);
    const result = {
      inboundVideo: null, inboundAudio: null, outboundVideo: null, outboundAudio: null,
      outboundKbps: 0, inboundKbps: 0, roundTripMs: null,
    };
    for (const report of reports) {
      const name = report.kind === 'video' ? 'Video' : 'Audio';
      if (report.type === 'inbound-rtp') {
        const read = report.kind === 'video' ? inboundVideo : inboundAudio;
        // After a change of the sender's SSRC both are listed: the busier one is meant.
        const packets = result[`inbound${name}`]?.packetsReceived ?? -1;
        if ((report.packetsReceived ?? 0) > packets) result[`inbound${name}`] = read(report, codec(report));
        result.inboundKbps += rate(report, 'bytesReceived');
      } else if (report.type === 'outbound-rtp') {
        result[`outbound${name}`] = outbound(report, codec(report));
        result.outboundKbps += rate(report, 'bytesSent');
      } else if (report.type === 'candidate-pair' && report.nominated &&
                 report.currentRoundTripTime !== undefined) {
        result.roundTripMs = Math.round(report.currentRoundTripTime * 1000);
      }
    }
    this.last = result;
    return result;
  }

  #remember(byId) {
    const now = performance.now();
    this.#history.push({ at: now, byId });
    while (this.#history[1]?.at <= now - kWindow) this.#history.shift();
    return this.#history[0].byId;
  }
}
