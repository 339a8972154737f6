// Runs in the page before its own scripts: keeps what the page receives, for the tests to look at.
(() => {
  const NAMES = [
    "transcript", "llm", "tts", "frame", "status", "error", "session.queued", "session.state_changed",
    "session.expiring", "session.expired", "session.terminated", "speech.started", "speech.media_started",
    "subtitle.chunk", "assistant.message", "speech.ended", "turn.metrics",
  ];
  const events = [];
  const states = [];
  const sound = [];
  const pictures = [];
  let soundTrack = null;
  let watched = null;
  let microphoneStarted = null;

  // The page's own event stream, with a second pair of ears.
  window.EventSource = class extends window.EventSource {
    constructor(url, init) {
      super(url, init);
      for (const name of NAMES) {
        this.addEventListener(name, (message) => {
          if (typeof message.data !== "string") return; // the connection's own `error`
          events.push({ name, data: JSON.parse(message.data), id: message.lastEventId, at: performance.now() });
        });
      }
    }
  };

  // What the stage shows, from the first moment on.
  new MutationObserver(() => {
    const state = document.querySelector("[data-testid=stage]")?.dataset.state;
    if (state && state !== states.at(-1)) states.push(state);
  }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-state"] });

  // When the sound of a microphone that the page opens began, its first chunk being the one that came with least delay.
  const watchMicrophone = async (track) => {
    microphoneStarted = null;
    const reader = new MediaStreamTrackProcessor({ track, maxBufferSize: 500 }).readable.getReader();
    for (let seconds = 0; ; ) {
      const { value, done } = await reader.read();
      if (done) return;
      seconds += value.duration / 1e6;
      value.close();
      microphoneStarted = Math.min(microphoneStarted ?? Infinity, performance.now() - seconds * 1000);
    }
  };
  const devices = navigator.mediaDevices; // none on a page that is not secure
  const getUserMedia = devices?.getUserMedia.bind(devices);
  if (devices) {
    devices.getUserMedia = async (constraints) => {
      const stream = await getUserMedia(constraints);
      for (const track of stream.getAudioTracks()) void watchMicrophone(track);
      return stream;
    };
  }

  const video = () => document.querySelector("[data-testid=video]");

  const base64 = (bytes) => {
    let text = "";
    for (let start = 0; start < bytes.length; start += 32768) {
      text += String.fromCharCode(...bytes.subarray(start, start + 32768));
    }
    return btoa(text);
  };

  /** Begins to keep the sound of the current remote track, unless that is being done. */
  const listen = () => {
    const track = video().srcObject.getAudioTracks()[0];
    if (track === soundTrack) return;
    soundTrack = track;
    const reader = new MediaStreamTrackProcessor({ track, maxBufferSize: 500 }).readable.getReader();
    void (async () => {
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        const samples = new Float32Array(value.numberOfFrames);
        value.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
        sound.push({ at: performance.now(), rate: value.sampleRate, samples });
        value.close();
      }
    })();
  };

  const mean = (pixels) => {
    const sums = [0, 0, 0];
    for (let i = 0; i < pixels.length; i++) if (i % 4 < 3) sums[i % 4] += pixels[i];
    return sums.map((sum) => (4 * sum) / pixels.length);
  };

  /** Begins to keep the grey pixels of a part of each picture shown; `box` is x, y, width, height in 0..1. */
  const watch = ({ box, columns, rows }) => {
    const element = video();
    const canvas = new OffscreenCanvas(columns, rows);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const tiny = new OffscreenCanvas(16, 16).getContext("2d", { willReadFrequently: true });
    const token = {};
    watched = token;
    const look = (_now, frame) => {
      if (watched !== token) return;
      const { videoWidth: width, videoHeight: height } = element;
      const [x, y, w, h] = box;
      context.drawImage(element, x * width, y * height, w * width, h * height, 0, 0, columns, rows);
      const { data } = context.getImageData(0, 0, columns, rows);
      const grey = new Uint8Array(columns * rows);
      for (let i = 0; i < grey.length; i++) {
        grey[i] = 0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2];
      }
      tiny.drawImage(element, 0, 0, 16, 16);
      const colour = mean(tiny.getImageData(0, 0, 16, 16).data);
      pictures.push({ at: performance.now(), media: frame.mediaTime, grey, colour });
      element.requestVideoFrameCallback(look);
    };
    element.requestVideoFrameCallback(look);
  };

  window.__probe = {
    events,
    states,
    listen,
    watch,
    now: () => performance.now(),
    microphoneStarted: () => microphoneStarted,
    videoSize: () => [video().videoWidth, video().videoHeight],
    /** Chunks of 16-bit sound that arrived in a span: [arrival, rate, samples as base64]. */
    sound: ([from, to]) =>
      sound
        .filter(({ at }) => at >= from && at < to)
        .map(({ at, rate, samples }) => {
          const whole = Int16Array.from(samples, (value) => Math.max(-1, Math.min(1, value)) * 32767);
          return [at, rate, base64(new Uint8Array(whole.buffer))];
        }),
    /** Resolves when that many pictures were looked at. */
    looked: (count) =>
      new Promise((resolve) => {
        const look = () => (pictures.length >= count ? resolve() : requestAnimationFrame(look));
        look();
      }),
    /** Pictures shown in a span: [shown at, media time, grey pixels as base64, mean colour]. */
    pictures: ([from, to]) =>
      pictures
        .filter(({ at }) => at >= from && at < to)
        .map(({ at, media, grey, colour }) => [at, media, base64(grey), colour]),
    /** The statistics of what is received, by kind. */
    stats: async () => {
      const found = {};
      for (const report of (await window.__opentalking.peer.getStats()).values()) {
        if (report.type === "inbound-rtp") found[report.kind] = report;
      }
      return found;
    },
    /** Calls the API; when it was asked and answered is told in the page's time. */
    call: async ([method, path, body]) => {
      const asked = performance.now();
      const response = await fetch(path, {
        method,
        headers: body ? { "Content-Type": "application/json" } : {},
        body: body ? JSON.stringify(body) : undefined,
      });
      const answer = await response.json();
      return { status: response.status, body: answer, asked, answered: performance.now() };
    },
  };
})();
